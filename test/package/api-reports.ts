// The public API of each entry as text, by API Extractor. As a program (`npm run api`) it writes the reports that are
// reviewed and committed, such as websock.api.md.

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompilerState, Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { root } from '../toolkit/compilers.ts';

/** The entries of the packages, by the names of their reports: the folder of the package, and the module. */
const packaged = {
  websock: ['.', 'websock'],
  conformance: ['.', 'conformance'],
  adapter: ['adapter', 'index'],
  'adapter-node': ['adapter', 'node/index'],
  'adapter-bun': ['adapter', 'bun'],
  'adapter-deno': ['adapter', 'deno'],
  'adapter-cloudflare': ['adapter', 'cloudflare/index'],
  'adapter-crossws': ['adapter', 'crossws'],
  'adapter-connection': ['adapter', 'connection/index'],
  'adapter-json': ['adapter', 'json'],
  'adapter-limits': ['adapter', 'limits'],
  'adapter-testing': ['adapter', 'testing'],
  pubsub: ['pubsub', 'index'],
  'pubsub-redis': ['pubsub', 'redis'],
  'pubsub-ioredis': ['pubsub', 'ioredis'],
  'pubsub-nats': ['pubsub', 'nats'],
  'pubsub-testing': ['pubsub', 'testing'],
  tck: ['tck', 'run'],
  'tck-probe': ['tck', 'probe'],
} as const;
export type Entry = keyof typeof packaged;
export const entries = Object.keys(packaged) as Entry[];

/** The committed report of an entry. */
export const reportOf = (entry: Entry): string => join(root, 'test/package/api', `${entry}.api.md`);

/** The declarations of an entry, and the compiler options of its package. */
export function declarationsOf(entry: Entry): { folder: string; file: string; tsconfig: string } {
  const [name, module] = packaged[entry];
  const folder = join(root, name);
  const tsconfig = join(folder, name === '.' ? 'src/tsconfig.json' : 'tsconfig.json');
  return { folder, file: join(folder, 'dist', `${module}.d.ts`), tsconfig };
}

/** The declarations of all entries of a package. */
export const declarationsBeside = (entry: Entry): string[] =>
  entries.filter((other) => packaged[other][0] === packaged[entry][0]).map((other) => declarationsOf(other).file);

/** The analysed declarations of each package, by its folder. */
const analysed = new Map<string, CompilerState>();

const silent = { logLevel: ExtractorLogLevel.None };

/** The report of an entry as it is built. With `write`, it is committed too. */
export function report(entry: Entry, write = false): string {
  const folder = mkdtempSync(join(tmpdir(), 'websock-api-'));
  const committed = write ? join(root, 'test/package/api') : join(folder, 'committed');
  mkdirSync(committed, { recursive: true });
  const declarations = declarationsOf(entry);
  try {
    const config = ExtractorConfig.prepare({
      configObjectFullPath: undefined,
      packageJsonFullPath: join(declarations.folder, 'package.json'),
      configObject: {
        projectFolder: declarations.folder,
        mainEntryPointFilePath: declarations.file,
        compiler: { tsconfigFilePath: declarations.tsconfig },
        apiReport: {
          enabled: true,
          reportFileName: entry,
          reportFolder: committed,
          reportTempFolder: folder,
          // The contract's one hidden name, Bytes, is part of what handlers meet; how the suite judges is not.
          includeForgottenExports: entry === 'websock',
        },
        docModel: { enabled: false },
        dtsRollup: { enabled: false },
        tsdocMetadata: { enabled: false },
        messages: {
          // Everything is public.
          extractorMessageReporting: { 'ae-missing-release-tag': silent, 'ae-forgotten-export': silent },
        },
      },
    });
    const additionalEntryPoints = declarationsBeside(entry);
    const compilerState = analysed.get(declarations.folder) ?? CompilerState.create(config, { additionalEntryPoints });
    analysed.set(declarations.folder, compilerState);
    Extractor.invoke(config, {
      localBuild: true,
      compilerState,
      messageCallback: (message) => {
        // Of the report itself it would say that it is new; what is wrong with a comment stands in the report.
        message.handled = true;
      },
    });
    return readFileSync(join(folder, `${entry}.api.md`), 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((entry) => !entries.includes(entry as Entry));
  if (unknown !== undefined) throw new Error(`unknown entry ${unknown}; the entries are ${entries.join(', ')}`);
  for (const entry of wanted.length > 0 ? (wanted as Entry[]) : entries) report(entry, true);
}
