import { TEXT } from '../raw-client.ts';
import { instructionFrame, MEGABYTE, push, receivesMegabyte, testsOf, text } from './common.ts';

export default testsOf('5.2', [
  {
    title: 'a client that starts to read late gets all messages of many results',
    async run(t) {
      const client = await t.raw();
      client.socket.pause();
      const count = 30;
      for (let index = 0; index < count; index++) {
        client.send(instructionFrame(push(text(`${index}`), { opcode: 'text', long: MEGABYTE })));
      }
      await t.server.untilStarted(client.id, 'handleIn');
      await t.server.quiet(200);
      client.socket.resume();
      for (let index = 0; index < count; index++) {
        await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from(`${index}`) });
        await receivesMegabyte(t, client);
      }
    },
  },
  {
    title: 'a client that starts to read late gets all messages of one large result',
    async run(t) {
      const client = await t.raw();
      client.socket.pause();
      const messages = Array.from({ length: 24 }, (_, index) => [
        text(`${index}`),
        { opcode: 'text', long: MEGABYTE },
      ]).flat();
      client.send(instructionFrame(push(...messages, text('end'))));
      await t.server.untilStarted(client.id, 'handleIn');
      await t.server.quiet(200);
      client.socket.resume();
      for (let index = 0; index < 24; index++) {
        await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from(`${index}`) });
        await receivesMegabyte(t, client);
      }
      await t.receivesFrames(client, { opcode: TEXT, payload: Buffer.from('end') });
    },
  },
  {
    title: '20 000 small messages of one result are all sent',
    async run(t) {
      const probe = await t.open();
      const messages = Array.from({ length: 20_000 }, (_, index) => text(`${index}`));
      await probe.post(push(...messages));
      for (let index = 0; index < 20_000; index++) {
        const received = await probe.client.next(`message ${index}`);
        if (!('text' in received) || received.text !== `${index}`) t.equal(received, { text: `${index}` });
      }
    },
  },
]);
