#!/usr/bin/env node
// A committed file, so that npm can link the command before the package is built.

import('./dist/command.js').then(
  async ({ main }) => {
    process.exitCode = await main(process.argv.slice(2));
  },
  (error) => {
    console.error(error.code === 'ERR_MODULE_NOT_FOUND' ? 'Build the package first: npm run build' : error);
    process.exitCode = 2;
  },
);
