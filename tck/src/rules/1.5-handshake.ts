import { type RuleCase, testsOf } from './common.ts';

const VERSION = 'Sec-WebSocket-Version: 13';

const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';

const UPGRADE = 'Upgrade: websocket';

const CONNECTION = 'Connection: Upgrade';

export default testsOf('1.5', [
  ...(
    [
      ['with another method', 'POST', [UPGRADE, CONNECTION, VERSION, KEY]],
      ['to another protocol', 'GET', ['Upgrade: h2c', CONNECTION, VERSION, KEY]],
      ['without Connection: Upgrade', 'GET', [UPGRADE, VERSION, KEY]],
      ['without a key', 'GET', [UPGRADE, CONNECTION, VERSION]],
      ['with a key that is not base64', 'GET', [UPGRADE, CONNECTION, VERSION, 'Sec-WebSocket-Key: short']],
      ['with a key of 15 bytes', 'GET', [UPGRADE, CONNECTION, VERSION, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j']],
      ['with a key of 17 bytes', 'GET', [UPGRADE, CONNECTION, VERSION, 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE=']],
      ['with a key of 32 bytes', 'GET', [UPGRADE, CONNECTION, VERSION, `Sec-WebSocket-Key: ${'A'.repeat(43)}=`]],
      ['of version 7', 'GET', [UPGRADE, CONNECTION, 'Sec-WebSocket-Version: 7', KEY]],
      ['of version 8', 'GET', [UPGRADE, CONNECTION, 'Sec-WebSocket-Version: 8', KEY]],
      ['of version 130', 'GET', [UPGRADE, CONNECTION, 'Sec-WebSocket-Version: 130', KEY]],
      ['of version 13.0', 'GET', [UPGRADE, CONNECTION, 'Sec-WebSocket-Version: 13.0', KEY]],
      ['without a version', 'GET', [UPGRADE, CONNECTION, KEY]],
      ['of HTTP/1.0', 'GET', [UPGRADE, CONNECTION, VERSION, KEY], 'rejectsHttp10'],
    ] as [string, string, string[], 'rejectsHttp10'?][]
  ).map(
    ([what, method, headers, need]): RuleCase => ({
      title: `a request ${what} is refused with 4xx, and no callback is called`,
      needs: need ? [need] : [],
      async run(t) {
        const { id, url } = t.server.probeUrl();
        const { pathname, search } = new URL(url);
        const version = need ? 'HTTP/1.0' : 'HTTP/1.1';
        const request = `${method} ${pathname}${search} ${version}`;
        const client = await t.connectRaw(url, { request, headers });
        t.check(client.status >= 400 && client.status < 500, 'a status of 4xx', client.status);
        t.equal((await t.server.trace(id)).events, [], 'the trace');
      },
    }),
  ),
  {
    title: 'the protocol in Upgrade and Connection may be in upper or lower case',
    async run(t) {
      const { url } = t.server.probeUrl();
      const headers = ['upgrade: WebSocket', 'connection: keep-alive, upgrade', VERSION, KEY];
      t.equal((await t.connectRaw(url, { headers })).status, 101, 'the status');
    },
  },
  {
    title: 'the 101 response has the Sec-WebSocket-Accept of RFC 6455 §4.2.2',
    async run(t) {
      const client = await t.raw();
      t.equal(client.header('sec-websocket-accept'), ['s3pPLMBiTxaQ9kYGzzhZRbK+xOo='], 'Sec-WebSocket-Accept');
    },
  },
  ...(
    [
      ['is accepted if the client offered it', 'a, b', 'b', ['b']],
      ['is accepted if the client offered it in a list without spaces', 'a,b', 'b', ['b']],
      ['is accepted if the client offered nothing else', 'b', 'b', ['b']],
      ['is left out if the client did not offer it', 'a', 'b', []],
      ['is left out if it is only a part of one that the client offered', 'abc, xb, bx', 'b', []],
      ['is left out if the client offered it in another case', 'B', 'b', []],
      ['is left out if the client offered none', undefined, 'b', []],
      ['is left out if the application names none', 'a, b', undefined, []],
    ] as const
  ).map(
    ([what, offered, protocol, answered]): RuleCase => ({
      title: `the subprotocol ${what}`,
      async run(t) {
        const { url } = t.server.probeUrl(protocol ? { options: { protocol } } : {});
        const client = await t.connectRaw(url, offered ? { extraHeaders: [`Sec-WebSocket-Protocol: ${offered}`] } : {});
        t.equal(client.status, 101, 'the status');
        t.equal(client.header('sec-websocket-protocol'), answered, 'Sec-WebSocket-Protocol');
      },
    }),
  ),
  {
    title: 'headers that the application sets are sent with the 101 response',
    needs: ['setsHeaders'],
    async run(t) {
      const headers = { 'X-Probe': 'here', 'Set-Cookie': ['a=1', 'b=2; Path=/'] };
      const client = await t.raw({ options: { headers } });
      t.equal(client.status, 101, 'the status');
      t.equal(client.header('x-probe'), ['here'], 'X-Probe');
      t.equal(client.header('set-cookie'), ['a=1', 'b=2; Path=/'], 'Set-Cookie');
      await t.server.untilStarted(client.id, 'init');
    },
  },
  ...(
    [
      ['a header whose name is not a token', 'X Probe', 'x'],
      ['a header whose name is empty', '', 'x'],
      ['the header Upgrade', 'Upgrade', 'h2c'],
      ['the header connection', 'connection', 'close'],
      ['the header Content-Length', 'Content-Length', '5'],
      ['the header transfer-encoding', 'transfer-encoding', 'chunked'],
      ['the header Sec-WebSocket-Accept', 'Sec-WebSocket-Accept', 'x'],
      ['the header sec-websocket-protocol', 'sec-websocket-protocol', 'x'],
      ['a header with a line break', 'X-Probe', 'x\r\nX-Other: y'],
      ['a header with a tab', 'X-Probe', 'x\ty'],
      ['a header with a delete character', 'X-Probe', 'x\x7f'],
      ['a header with a character above U+00FF', 'X-Probe', '☕'],
    ] as const
  ).map(
    ([what, name, value]): RuleCase => ({
      title: `${what} makes the upgrade throw, and none of the headers is sent`,
      needs: ['setsHeaders'],
      async run(t) {
        const { id, url } = t.server.probeUrl({ options: { headers: { 'X-Good': 'good', [name]: [value] } } });
        const client = await t.connectRaw(url);
        t.check(client.status !== 101, 'a status other than 101', client.status);
        t.equal([client.header('x-good'), client.header('x-other')], [[], []], 'the headers');
        t.equal((await t.server.trace(id)).events, [], 'the trace');
      },
    }),
  ),
]);
