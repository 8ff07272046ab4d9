// The public API of both entries as text, by API Extractor. As a program (`npm run api`) it writes the reports that are
// reviewed and committed: websock.api.md and conformance.api.md.

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { root } from '../toolkit/compilers.ts';

export const entries = ['websock', 'conformance'] as const;
export type Entry = (typeof entries)[number];

/** Where the report of an entry is committed. */
export const reportOf = (entry: Entry): string => join(root, 'test/package', `${entry}.api.md`);

const silent = { logLevel: ExtractorLogLevel.None };

/** The report of an entry as it is built. With `write`, it is committed too. */
export function report(entry: Entry, write = false): string {
  const folder = mkdtempSync(join(tmpdir(), 'websock-api-'));
  const committed = write ? join(root, 'test/package') : join(folder, 'committed');
  mkdirSync(committed, { recursive: true });
  try {
    const config = ExtractorConfig.prepare({
      configObjectFullPath: undefined,
      packageJsonFullPath: join(root, 'package.json'),
      configObject: {
        projectFolder: root,
        mainEntryPointFilePath: join(root, 'dist', `${entry}.d.ts`),
        compiler: { tsconfigFilePath: join(root, 'src/tsconfig.json') },
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
    Extractor.invoke(config, {
      localBuild: true,
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

if (process.argv[1] === import.meta.filename) for (const entry of entries) report(entry, true);
