// The main job, `npm start`: checks the sample handlers with the compiler, then runs one of them on a real server.

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { converse } from './handlers/conversation.ts';
import { host } from './servers/host.ts';

const compiler = createRequire(__filename).resolve('typescript/bin/tsc');

async function start(): Promise<void> {
  console.log('1. The compiler checks the sample handlers against the contract');
  const version = execFileSync(process.execPath, [compiler, '--version'], { encoding: 'utf8' }).trim();
  try {
    execFileSync(process.execPath, [compiler], { stdio: 'inherit' });
  } catch {
    throw new Error('a handler or a server does not meet the contract: see above');
  }
  console.log(`   test/handlers/echo.ts   ok\n   test/handlers/chat.ts   ok      (${version})\n`);

  console.log('2. The chat handler on node:http with `ws`, and three real clients in two rooms');
  const server = await host('ws', 'test/handlers/chat.application.ts');
  const transcript = await converse(server.url);
  await server.stop();
  for (const line of transcript) console.log(`   ${line}`);

  const surprises = transcript.filter((line) => line.endsWith('which nobody expected'));
  if (surprises.length > 0) throw new Error(`${surprises.length} messages went to the wrong client: see above`);
  console.log('\nDone: one handler, one server, every message where it belongs.');
}

start().catch((error: Error) => {
  console.error(`\nnpm start failed: ${error.message}`);
  process.exit(1);
});
