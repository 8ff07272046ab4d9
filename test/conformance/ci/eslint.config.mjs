import { parser, plugin } from 'typescript-eslint';

export default [
  {
    files: ['**/*.ts'],
    languageOptions: { parser, parserOptions: { projectService: true } },
    plugins: { '@typescript-eslint': plugin },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error', // 2.1: what is not awaited overlaps; rejected, it ends the process
      '@typescript-eslint/unbound-method': 'error', // 2.5: a callback that is taken off its handler loses its this
    },
  },
];
