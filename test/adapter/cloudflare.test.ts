// Behavior specific to workerd: old compatibility dates.

import { expect, test, vi } from 'vitest';
import { Client } from '../../tck/src/client.ts';
import { RawClient } from '../../tck/src/raw-client.ts';
import { host } from '../toolkit/host.ts';

const FILE = 'test/adapter/platforms.application.ts';

// The oldest that workerd accepts, and the last before `URL` follows its standard.
test.each(['2021-11-03', '2022-10-30', '2023-08-14'])(
  'with the compatibility date %s, connections are served',
  async (date) => {
    const server = await host('cloudflare', FILE, { COMPATIBILITY_DATE: date });
    const echo = await Client.connect(`${server.url}/echo`);
    echo.text('h\u00e9llo');
    expect(await echo.next()).toEqual({ text: 'h\u00e9llo' });
    echo.socket.send(Buffer.of(0, 255));
    expect(await echo.next()).toEqual({ binary: '00ff' });
    echo.close(4001, 'bye');
    expect(await echo.closed()).toEqual({ close: 4001, reason: 'bye' });
    await vi.waitUntil(() => server.reports().includes('/echo ended: {"type":"remote","code":4001,"reason":"bye"}'));

    const kinds = await Client.connect(`${server.url}/kinds`);
    kinds.text('send');
    for (const message of [{ binary: '0203' }, { binary: '070707' }, { text: 'half a pair: \ufffd' }]) {
      expect(await kinds.next()).toEqual(message);
    }
    kinds.close();
    const stopped = await Client.connect(`${server.url}/pour-and-stop?count=0&close=4002`);
    stopped.text('stop');
    expect(await stopped.closed()).toEqual({ close: 4002, reason: '' });
    const idle = await Client.connect(`${server.url}/sink?options={"idleTimeout":300}`);
    expect(await idle.closed()).toMatchObject({ reason: '' });

    expect((await RawClient.connect(`${server.url}/elsewhere`)).status).toBe(404);
    expect(await server.stop()).toBe(0);
    expect(server.reports()).not.toMatch(/uncaught|unhandled|TypeError/);
  },
);
