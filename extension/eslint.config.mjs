import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import globals from 'globals';
import tseslint from 'typescript-eslint';

// what comes from kernels and files is text, and never becomes markup
const MARKUP = [
  'MemberExpression[property.name=/^(innerHTML|outerHTML|insertAdjacentHTML)$/]',
  "MemberExpression[object.name='document'][property.name=/^write/]"
].map(selector => ({
  selector,
  message: 'Text never becomes markup: use el() and svg() of dom.ts.'
}));

export default tseslint.config(
  { ignores: ['lib', 'labextension', 'coverage', 'node_modules', '*.config.*', 'style/*.js'] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  prettier,
  {
    languageOptions: { globals: globals.browser },
    rules: {
      curly: ['error', 'all'],
      eqeqeq: 'error',
      'no-restricted-syntax': ['error', ...MARKUP],
      'prefer-arrow-callback': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { args: 'none' }]
    }
  },
  { files: ['**/*.test.ts'], rules: { 'no-restricted-syntax': 'off' } }
);
