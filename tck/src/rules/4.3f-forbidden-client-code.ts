import { closeFrame } from '../raw-client.ts';
import { type RuleCase, testsOf } from './common.ts';

export default testsOf('4.3f', [
  ...[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1999, 2000, 2999, 5000, 65_535].map(
    (code): RuleCase => ({
      title: `a client's close frame with ${code} closes with 1002, and terminate receives an error`,
      async run(t) {
        const client = await t.raw();
        client.send(closeFrame(code, 'no'));
        const { before, ...close } = await client.closing();
        if (t.server.cannot.sendsProtocolErrorCodes === undefined)
          t.equal([before, close.code], [[], 1002], 'the code');
        t.matches((await t.server.untilTerminated(client.id)).reason, { type: 'error', code: 1002, reason: '' });
      },
    }),
  ),
]);
