import { CLOSE, CONTINUATION, frame, TEXT } from '../raw-client.ts';
import { instructionFrame, push, testsOf, text } from './common.ts';

export default testsOf('4.3k', [
  {
    title: 'a message of a million fragments is passed whole, or closes with 1008',
    async run(t) {
      const client = await t.raw();
      const block = Buffer.concat(Array.from({ length: 10_000 }, () => frame(CONTINUATION, 'x', { fin: false })));
      client.send(frame(TEXT, 'x', { fin: false }));
      const answer = client.within(60_000);
      let over = false;
      void answer.then(() => {
        over = true;
      });
      for (let count = 0; count < 100 && !over; count++) {
        await new Promise((written) => client.socket.write(block, written));
      }
      client.send(frame(CONTINUATION, 'y'), instructionFrame(push(text('whole'))));
      const received = await answer;
      if (received && 'opcode' in received && received.opcode === TEXT) {
        t.equal(received.payload.toString(), 'whole');
        const [first] = (await t.server.trace(client.id)).calls('handleIn');
        t.equal(first, { text: `1000002: ${'x'.repeat(10)}…${'x'.repeat(9)}y` });
        return;
      }
      const code = received && 'opcode' in received && received.opcode === CLOSE && received.payload.readUInt16BE();
      t.equal(code, 1008, 'the code');
      t.matches((await t.server.untilTerminated(client.id)).reason, { type: 'error', code: 1008, reason: '' });
    },
  },
]);
