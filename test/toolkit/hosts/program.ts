// Runs a program that ends at SIGTERM, and sends it one when the input of this process ends, as the hosts end:
// `tsx test/toolkit/hosts/program.ts FILE`. See host.ts.

import { pathToFileURL } from 'node:url';

import(pathToFileURL(process.argv[2] as string).href);
process.stdin.resume().on('end', () => process.emit('SIGTERM'));
