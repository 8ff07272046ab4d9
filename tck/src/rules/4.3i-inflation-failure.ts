import { frame, TEXT } from '../raw-client.ts';
import { testsOf } from './common.ts';

export default testsOf('4.3i', [
  {
    title: 'data that cannot be inflated closes with 1007, and terminate receives an error',
    needs: ['compresses', 'sendsProtocolErrorCodes', 'sendsInflationErrorCode'],
    async run(t) {
      const client = await t.raw(
        { options: { compress: true } },
        { extraHeaders: ['Sec-WebSocket-Extensions: permessage-deflate'] },
      );
      client.send(frame(TEXT, Buffer.from('ffffffffffffffff', 'hex'), { rsv: 4 }));
      await t.closesRaw(client, 1007);
      const trace = await t.server.untilTerminated(client.id);
      t.matches(trace.reason, { type: 'error', code: 1007, reason: '' });
      t.started(trace, 'init', 'terminate');
    },
  },
]);
