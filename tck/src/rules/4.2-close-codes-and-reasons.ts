import { instructionFrame, type RuleCase, stop, testsOf, text } from './common.ts';

const CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014];

export default testsOf('4.2', [
  ...[...CODES, 3000, 3999, 4000, 4999].map(
    (code): RuleCase => ({
      title: `a stop with the code ${code} and a reason sends both`,
      async run(t) {
        const client = await t.raw();
        client.send(instructionFrame(stop({ close: { code, reason: 'why ☕' } })));
        const close = await client.closing();
        t.equal(close, { before: [], code, reason: 'why ☕' }, 'the close frame');
        const { reason } = await t.server.untilTerminated(client.id);
        t.equal(reason, { type: 'normal', code, reason: 'why ☕' }, 'the reason that terminate received');
      },
    }),
  ),
  ...[0, 999, 1004, 1005, 1006, 1010, 1015, 1016, 2999, 5000, -1, 1000.5, 3000.5, 70_000].map(
    (code): RuleCase => ({
      title: `a stop with the code ${code} is an invalid result, and closes with 1011`,
      async run(t) {
        const client = await t.raw();
        client.send(instructionFrame(stop({ close: { code, reason: 'no' }, messages: [text('must not be sent')] })));
        await t.closesRaw(client, 1011);
        client.cut();
        t.matches((await t.server.untilTerminated(client.id)).reason, { type: 'error', code: 1011, reason: '' });
      },
    }),
  ),
  ...(
    [
      ['of 123 bytes is sent whole', 'x'.repeat(123), 'x'.repeat(123)],
      ['of 124 bytes is cut to 123', 'x'.repeat(124), 'x'.repeat(123)],
      ['of 500 bytes is cut to 123', 'x'.repeat(500), 'x'.repeat(123)],
      ...[0, 1, 2].map((lead) => {
        const room = Math.floor((123 - lead) / 3);
        return [
          `is cut at a character of three bytes, after ${lead}`,
          `${'x'.repeat(lead)}${'☕'.repeat(42)}`,
          `${'x'.repeat(lead)}${'☕'.repeat(room)}`,
        ];
      }),
      ...[0, 1, 2, 3].map((lead) => {
        const room = Math.floor((123 - lead) / 4);
        return [
          `is cut at a character of four bytes, after ${lead}`,
          `${'x'.repeat(lead)}${'🎉'.repeat(40)}`,
          `${'x'.repeat(lead)}${'🎉'.repeat(room)}`,
        ];
      }),
      ...[119, 120, 121, 122].map((lead) => [
        `is cut before a character of four bytes, after ${lead}`,
        `${'x'.repeat(lead)}🎉y`,
        lead === 119 ? `${'x'.repeat(lead)}🎉` : 'x'.repeat(lead),
      ]),
    ] as [string, string, string][]
  ).map(
    ([what, reason, cut]): RuleCase => ({
      title: `a close reason ${what}`,
      async run(t) {
        const probe = await t.open();
        probe.instruct(stop({ close: { code: 4000, reason } }));
        await t.closes(probe.client, 4000, cut);
        const received = (await probe.untilTerminated()).reason;
        t.equal(received, { type: 'normal', code: 4000, reason: cut }, 'the reason that terminate received');
      },
    }),
  ),
  ...(
    [
      ['thrown', { throw: 'secret' }],
      ['rejected with', { throw: 'secret', wait: 1 }],
      ['the reason of a stop', stop({ reason: { error: 'secret' } })],
    ] as const
  ).map(
    ([what, instruction]): RuleCase => ({
      title: `the text of an error that is ${what} is not sent`,
      async run(t) {
        const client = await t.raw();
        client.send(instructionFrame(instruction));
        t.equal(await client.closing(), { before: [], code: 1011, reason: '' }, 'the close frame');
        t.equal((await client.within(50)) ?? { end: true }, { end: true }, 'the data after it');
      },
    }),
  ),
]);
