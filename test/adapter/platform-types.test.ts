// `createFetch` on each platform against that platform's own types, on the supported compilers from 5.4 on: with their global
// names, no two of them compile together.

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compile, nameOf, root, tried, versionOf } from '../toolkit/compilers.ts';

const compilers = [...new Set([...tried, 'typescript-5.4' as const])].filter((compiler) => versionOf(compiler) >= 5.4);

describe.each(compilers.map((compiler) => [nameOf(compiler), compiler] as const))(
  'on %s',
  { timeout: 60_000 },
  (_name, compiler) => {
    test.each([
      ['deno', 'deno-types', ['es2022', 'dom']],
      ['cloudflare', '@cloudflare/workers-types', ['es2022']],
      ['bun', 'bun-types', ['es2022']],
    ])('createFetch fits the types of %s', async (platform, types, lib) => {
      const options = { types: [types], lib, typeRoots: [join(root, 'node_modules')] };
      const folder = 'test/adapter/platform-types';
      expect(await compile(compiler, `${folder}/tsconfig.json`, [`${folder}/${platform}.ts`], options)).toEqual([]);
    });
  },
);
