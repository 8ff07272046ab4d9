// `npm start`: checks sample handlers and the adapter's servers by their types, shows the faults of three wrong handlers, and
// runs one handler on real servers with real clients.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { converse } from './conversation.ts';
import { compile, nameOf, root } from './toolkit/compilers.ts';
import { host, platforms } from './toolkit/host.ts';

const samples = 'test/conformance/samples.ts';
const demo = 'test/conformance/demo.ts';

async function start(): Promise<void> {
  console.log(`1. The compiler (${nameOf('typescript')}) checks the sample handlers and servers by their types`);
  for (const [subject, faults] of await verdicts(samples)) {
    if (faults) throw new Error(`${subject} does not conform: ${faults}`);
    console.log(`   ${subject.padEnd(20)}conforms`);
  }

  console.log(`\n2. Three wrong handlers and their faults (${demo})`);
  for (const [subject, faults] of await verdicts(demo)) {
    if (!faults) throw new Error(`${subject} conforms, but must not`);
    console.log(`   ${subject}\n     ${faults}`);
  }

  console.log('\n3. The chat handler, with three real clients in two rooms, on each platform');
  const transcripts = new Map<string, string>();
  for (const platform of platforms) {
    const server = await host(platform, 'test/chat.application.ts');
    const transcript = await converse(server.url);
    const code = await server.stop();
    if (code !== 0 || server.reports() !== '') throw new Error(`${platform} ended with ${code}\n${server.reports()}`);
    if (transcripts.size === 0) console.log(transcript.map((line) => `   ${line}`).join('\n'));
    transcripts.set(platform, transcript.join('\n'));
  }

  const [first, ...others] = [...transcripts];
  console.log(`\n   ${first?.[0]}: as above`);
  for (const [platform, transcript] of others) {
    if (transcript !== first?.[1]) throw new Error(`on ${platform} the transcript differs:\n${transcript}`);
    console.log(`   ${platform}: the same, word for word`);
  }
  if (first?.[1].includes(', unexpectedly')) throw new Error('a message went to the wrong client: see above');
  console.log(`\nDone: one handler, ${transcripts.size} servers, one transcript.`);
}

/** The result of each `Assert` in a file: the kind and name of its subject, and the faults, if any. */
async function verdicts(file: string): Promise<[subject: string, faults: string | undefined][]> {
  const diagnostics = await compile('typescript', 'tsconfig.json', [file]);
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  const verdicts = lines.flatMap((line, index): [string, string | undefined][] => {
    const [, name, kind] = /^export type (\w+) = Assert<(Handler|Server)Conforms</.exec(line) ?? [];
    // the faults are the string literals on the first line of the error
    const said = diagnostics.find((diagnostic) => diagnostic.line === index + 1)?.text.split('\n')[0];
    const faults = said && [...said.matchAll(/"(.*?)"/g)].map(([, fault]) => fault).join('\n     ');
    return name && kind ? [[`${kind.toLowerCase().padEnd(8)}${name}`, faults]] : [];
  });
  const unexpected = diagnostics.length - verdicts.filter(([, faults]) => faults).length;
  if (unexpected > 0)
    throw new Error(diagnostics.map(({ file: where, line, text }) => `${where}:${line} ${text}`).join('\n'));
  return verdicts;
}

start().catch((error: Error) => {
  console.error(`\nnpm start failed: ${error.message}`);
  process.exit(1);
});
