// The server of browser.test.ts: a page that uses reconnect.js, behind a session.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { accept, serve } from '@websock/adapter/node';
import type { WebSock } from '@websock/spec';

const page = `<!doctype html><link rel="icon" href="data:,"><script type="module">
  import { connect } from './reconnect.js';
  window.events = [];
  window.connection = connect('ws://' + location.host + '/chat' + location.search, {
    onMessage: ({ data }) => events.push(data),
    onState: (isOpen) => events.push(isOpen ? 'open' : 'lost'),
    onEnd: (code) => events.push('ended: ' + code),
  });
</script>`;
const script = readFileSync(join(import.meta.dirname, 'reconnect.js'), 'utf8');

const answer = (type: string, text: string) => new Response(text, { headers: { 'content-type': type } });

/** Echoes; a number, such as `4000`, closes with that code. */
const handler: WebSock<undefined> = {
  init: () => ({ type: 'ok', state: undefined }),
  handleIn(frame, state) {
    const code = Number(frame.data);
    if (code >= 1000) return { type: 'stop', close: { code }, state };
    return { type: 'push', messages: frame, state };
  },
  handleInfo: (_info, state) => ({ type: 'ok', state }),
};

const server = await serve(
  (request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/reconnect.js') return answer('text/javascript', script);
    if (pathname !== '/chat') return answer('text/html', page);
    if (request.headers.get('cookie') !== 'session=valid') return new Response('who are you?\n', { status: 401 });
    const idleTimeout = searchParams.get('idle');
    // without pings, which a browser answers by itself
    return accept(
      handler,
      undefined,
      idleTimeout === null ? {} : { idleTimeout: Number(idleTimeout), heartbeat: false },
    );
  },
  { port: Number(process.env['PORT']), hostname: '127.0.0.1' },
);
console.log(server.url);
process.once('SIGTERM', () => server.shutdown());
