// All tests. Each file has the tests of one rule of SPEC.md, or of one row of the table in 4.3.

import type { RuleTest } from '../test-context.ts';
import init from './1.1-init.ts';
import eventsWaitForInit from './1.2-events-wait-for-init.ts';
import earlyFrames from './1.3-early-frames.ts';
import failedInit from './1.4-failed-init.ts';
import handshake from './1.5-handshake.ts';
import upgradesDuringShutdown from './1.6-upgrades-during-shutdown.ts';
import oneCallbackAtATime from './2.1-one-callback-at-a-time.ts';
import orderOfEvents from './2.2-order-of-events.ts';
import messages from './2.3-messages.ts';
import state from './2.4-state.ts';
import methods from './2.5-methods.ts';
import manyConnections from './2.6-many-connections.ts';
import textAndBytes from './2.7-text-and-bytes.ts';
import controlFrames from './2.8-control-frames.ts';
import postedMessages from './2.9-posted-messages.ts';
import ok from './3.1-ok.ts';
import push from './3.2-push.ts';
import reply from './3.3-reply.ts';
import stopResult from './3.4-stop.ts';
import emptyList from './3.5-empty-list.ts';
import invalidResults from './3.6-invalid-results.ts';
import afterTheEnd from './3.7-after-the-end.ts';
import terminate from './4.1-terminate.ts';
import closeCodesAndReasons from './4.2-close-codes-and-reasons.ts';
import stop from './4.3abc-stop.ts';
import throwing from './4.3d-throw.ts';
import clientClose from './4.3e-client-close.ts';
import forbiddenClientCode from './4.3f-forbidden-client-code.ts';
import lostConnection from './4.3g-lost-connection.ts';
import invalidUtf8 from './4.3h-invalid-utf8.ts';
import inflationFailure from './4.3i-inflation-failure.ts';
import messageSize from './4.3j-message-size.ts';
import fragmentCount from './4.3k-fragment-count.ts';
import protocolViolation from './4.3l-protocol-violation.ts';
import frameOverflow from './4.3m-frame-overflow.ts';
import idleTimeout from './4.3n-idle-timeout.ts';
import shutdown from './4.3o-shutdown.ts';
import droppedClient from './4.3p-dropped-client.ts';
import mailboxStop from './4.3q-mailbox-stop.ts';
import errorReports from './4.4-error-reports.ts';
import unresponsiveClients from './4.5-unresponsive-clients.ts';
import heartbeat from './4.6-heartbeat.ts';
import reading from './5.1-reading.ts';
import noLostMessages from './5.2-no-lost-messages.ts';
import slowReaders from './5.3-slow-readers.ts';
import postAfterTheEnd from './6.1-post-after-the-end.ts';
import postReturnsFirst from './6.2-post-returns-first.ts';
import orderOfPosts from './6.3-order-of-posts.ts';
import postInsideCallbacks from './6.4-post-inside-callbacks.ts';
import detachedPost from './6.5-detached-post.ts';
import stopFromOutside from './6.6-stop.ts';
import waiting from './6.7-waiting.ts';
import signal from './6.8-signal.ts';
import noSuspensionHalfway from './7.1-no-suspension-halfway.ts';
import savedStates from './7.2-saved-states.ts';
import waking from './7.3-waking.ts';
import idleTimeoutOfSleepers from './7.4-idle-timeout.ts';

/** All tests, in the order of the rules. */
export const rules: readonly RuleTest[] = [
  ...init,
  ...eventsWaitForInit,
  ...earlyFrames,
  ...failedInit,
  ...handshake,
  ...upgradesDuringShutdown,
  ...oneCallbackAtATime,
  ...orderOfEvents,
  ...messages,
  ...state,
  ...methods,
  ...manyConnections,
  ...textAndBytes,
  ...controlFrames,
  ...postedMessages,
  ...ok,
  ...push,
  ...reply,
  ...stopResult,
  ...emptyList,
  ...invalidResults,
  ...afterTheEnd,
  ...terminate,
  ...closeCodesAndReasons,
  ...stop,
  ...throwing,
  ...clientClose,
  ...forbiddenClientCode,
  ...lostConnection,
  ...invalidUtf8,
  ...inflationFailure,
  ...messageSize,
  ...fragmentCount,
  ...protocolViolation,
  ...frameOverflow,
  ...idleTimeout,
  ...shutdown,
  ...droppedClient,
  ...mailboxStop,
  ...errorReports,
  ...unresponsiveClients,
  ...heartbeat,
  ...reading,
  ...noLostMessages,
  ...slowReaders,
  ...postAfterTheEnd,
  ...postReturnsFirst,
  ...orderOfPosts,
  ...postInsideCallbacks,
  ...detachedPost,
  ...stopFromOutside,
  ...waiting,
  ...signal,
  ...noSuspensionHalfway,
  ...savedStates,
  ...waking,
  ...idleTimeoutOfSleepers,
];
