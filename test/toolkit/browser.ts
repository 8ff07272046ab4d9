// A real browser, for the tests of pages.

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { missing } from './programs.ts';

/** Why tests cannot use a browser; `undefined` if they can. */
export const noBrowser: string | undefined = missing(
  'chromium',
  '"apt-get install chromium" or "brew install chromium"',
);

/** How long a page may take to show something, in ms. */
export const PATIENCE = 30_000;

/** How long the browser and a server may take to start, in ms. */
export const START = 60_000;

/** Starts the Chromium of this machine. The caller closes it. */
export function launchBrowser(): Promise<Browser> {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const executablePath = folders.map((folder) => join(folder, 'chromium')).find(existsSync) as string;
  // There is no sandbox for root. The other flags keep the browser from connecting to other servers.
  const quiet = ['no-sandbox', 'disable-gpu', 'disable-quic', 'no-first-run', 'disable-background-networking'];
  const args = [...quiet, 'disable-component-update', 'disable-sync'].map((flag) => `--${flag}`);
  return chromium.launch({ executablePath, args });
}
