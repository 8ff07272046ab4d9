// Hosts a file on Node.js: `tsx test/toolkit/hosts/node.ts FILE`. See host.ts.

import { cannot, serve } from '@websock/adapter/node';
import { LOOPBACK, run } from './run.ts';

run(cannot, (route, options) => serve(route, { ...options, ...LOOPBACK }));
