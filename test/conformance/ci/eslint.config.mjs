import { parser, plugin } from 'typescript-eslint';

export default [
  {
    files: ['**/*.ts'],
    languageOptions: { parser, parserOptions: { projectService: true } },
    plugins: { '@typescript-eslint': plugin },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error', // 2.1: unawaited work overlaps; its rejection ends the process
      '@typescript-eslint/unbound-method': 'error', // 2.5: a callback that is taken from its handler loses its this
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'never' }], // a cast hides mistakes
      'no-restricted-syntax': [
        'error', // 3.6: { ...ok(state), messages } is still an ok
        {
          selector:
            "ObjectExpression:not(:has(> Property[key.name='type'])) > SpreadElement[argument.type='CallExpression'] ~ Property[key.name=/^(messages|close|reason)$/]",
          message: 'Write the type of this result, or annotate the helper that it spreads.',
        },
      ],
    },
  },
];
