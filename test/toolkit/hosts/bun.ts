// Hosts a file on Bun: `bun test/toolkit/hosts/bun.ts FILE`. See host.ts.

import { cannot, serve } from '@websock/adapter/bun';
import { LOOPBACK, run } from './run.ts';

run(cannot, (route, options) => serve(route, { ...options, ...LOOPBACK }));
