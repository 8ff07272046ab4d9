#!/usr/bin/env node
// This file is committed, because npm links only a command that exists before the build.

import('./dist/command.js').then(
  async ({ main }) => {
    process.exitCode = await main(process.argv.slice(2));
  },
  (error) => {
    console.error(error.code === 'ERR_MODULE_NOT_FOUND' ? 'Build the package first: npm run build' : error);
    process.exitCode = 2;
  },
);
