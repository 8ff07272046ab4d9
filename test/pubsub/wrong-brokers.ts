// Brokers that break one promise each: the broker in memory with one line of its source replaced. A test of that promise must
// fail on each of them.

/** The promise, the mistake in a sentence, the right source and the wrong source that replaces it. */
export type WrongBroker = readonly [promise: string, what: string, right: string, wrong: string];

const SEND = 'inbox.push(event);';
const MESSAGE = 'events.message(topic, data);';
const PUBLISH = 'await command(() => server.publish(topic, data));';
const STALE = 'for (const topic of topics) stale.add(topic);';
const RESTORED = 'if (restored.length > 0) events.gap(restored);';
const SUBSCRIBE = 'await command((own) => own.topics.add(topic));';
const IF_SUBSCRIBED = 'if (session.topics.has(topic)) session.send(() => this.deliver(session, topic, data));';
const RESUBSCRIBE = 'for (const topic of topics) own.topics.add(topic);';

export const wrongBrokers: readonly WrongBroker[] = [
  ['1', 'reorders messages that arrive together', SEND, 'inbox.splice(Math.max(0, inbox.length - 1), 0, event);'],
  [
    '1',
    'delivers to its own process first',
    PUBLISH,
    `deliver(topic, data); const own = session; await command(() => { own?.topics.delete(topic); server.publish(topic, data); own?.topics.add(topic); });`,
  ],
  ['1', 'duplicates a message now and then', MESSAGE, `${MESSAGE} if (Math.random() < 0.05) ${MESSAGE}`],
  [
    '2',
    'sends messages again after a reconnect',
    PUBLISH,
    `${PUBLISH} const sentBy = session; const timer = setInterval(() => { if (session && session !== sentBy) { clearInterval(timer); server.publish(topic, data); } }, 1); setTimeout(() => clearInterval(timer), 100);`,
  ],
  [
    '1',
    'does not bring its own messages',
    PUBLISH,
    'await command((own) => { const had = own.topics.delete(topic); server.publish(topic, data); if (had) own.topics.add(topic); });',
  ],
  [
    '1',
    'confuses topics that differ in case',
    IF_SUBSCRIBED,
    'for (const name of session.topics) if (name.toLowerCase() === topic.toLowerCase()) session.send(() => this.deliver(session, name, data));',
  ],
  ['2', 'does not tell of a gap', STALE, ''],
  ['2', 'tells of a gap when the connection is lost', STALE, 'if (topics.size > 0) events.gap([...topics]);'],
  [
    '2',
    'tells of a gap after the next message',
    RESTORED,
    'if (restored.length > 0) setTimeout(() => events.gap(restored), 30);',
  ],
  ['2', 'tells of a gap only when a message comes', RESTORED, 'for (const topic of restored) stale.add(topic);'],
  ['2', 'tells of a gap twice', RESTORED, `${RESTORED} if (restored.length > 0) events.gap(restored);`],
  ['2', 'tells of gaps of all topics it ever had', SUBSCRIBE, `${SUBSCRIBE} stale.add(topic);`],

  [
    '2',
    'loses one message after it has told of the gap',
    RESTORED,
    'if (restored.length > 0) { events.gap(restored); let lost = 0; receivers.set(own, (topic, data) => lost++ === 0 || deliver(topic, data)); }',
  ],
  ['2', 'loses a message now and then', MESSAGE, `if (Math.random() < 0.97) ${MESSAGE}`],
  ['2', 'does not subscribe again', RESUBSCRIBE, ''],
  [
    '3',
    'settles before the server has the message',
    PUBLISH,
    'command(() => server.publish(topic, data)).catch(() => {});',
  ],
  [
    '3',
    'settles when the message is sent',
    PUBLISH,
    'const own = session; if (!own) throw new Error(); setImmediate(() => server.run(own, () => server.publish(topic, data), () => {}));',
  ],
  [
    '3',
    'keeps messages while it is disconnected, without a limit',
    PUBLISH,
    `const send = async (): Promise<void> => { if (session || isClosed) await command(() => server.publish(topic, data)); else { await new Promise((resolve) => setTimeout(resolve, 10)); await send(); } }; await send();`,
  ],
  [
    '3',
    'rejects, and sends the message later',
    PUBLISH,
    `if (!session) setTimeout(function again() { if (isClosed) return; if (session) command(() => server.publish(topic, data)).catch(() => {}); else setTimeout(again, 1); }, 1); ${PUBLISH}`,
  ],
  ['3', 'accepts messages while it is disconnected', PUBLISH, `if (session) ${PUBLISH}`],
  [
    '4',
    'settles before it has subscribed',
    SUBSCRIBE,
    'setTimeout(() => command((own) => own.topics.add(topic)).catch(() => {}), 5);',
  ],
  ['4', 'forgets a subscription now and then', SUBSCRIBE, `if (Math.random() < 0.9) ${SUBSCRIBE}`],
  [
    '4',
    'unsubscribes late',
    'await command((own) => own.topics.delete(topic)).catch(() => {});',
    'setTimeout(() => command((own) => own.topics.delete(topic)).catch(() => {}), 1);',
  ],
  ['4', 'accepts subscriptions while it is disconnected', SUBSCRIBE, `if (session) ${SUBSCRIBE}`],
];
