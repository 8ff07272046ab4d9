// Hosts an application on node:http: `tsx test/toolkit/hosts/node.ts APPLICATION`. See host.ts.

import { cannot, serve } from '@websock/adapter/node';
import { LOOPBACK, run } from './run.ts';

run(cannot, (route, options) => serve(route, { ...options, ...LOOPBACK }));
