// Hosts a file on Deno: `deno run --allow-all test/toolkit/hosts/deno.ts FILE`. See host.ts.

import { cannot, serve } from '@websock/adapter/deno';
import { LOOPBACK, run } from './run.ts';

run(cannot, (route, options) => serve(route, { ...options, ...LOOPBACK }));
