import { overflowMailbox, testsOf } from './common.ts';

export default testsOf('4.3p', [
  {
    title: 'a dropped client receives no close frame, and terminate receives an error with 1006',
    needs: ['knowsBacklog', 'dropsSockets'],
    alone: true,
    async run(t) {
      const { client } = await overflowMailbox(t);
      client.socket.resume();
      t.equal((await client.closing()).code, 'no close frame', 'how the connection ends');
    },
  },
]);
