// The demo in a process that ends when its input ends, as all hosts do: see toolkit/host.ts.

import './demo.ts';

process.stdin.resume().on('end', () => process.emit('SIGTERM'));
