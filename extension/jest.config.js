module.exports = {
  testEnvironment: 'jsdom',
  testRegex: 'src/.*\\.test\\.ts$',
  modulePathIgnorePatterns: ['<rootDir>/(lib|labextension)/'],
  setupFiles: ['<rootDir>/testing/browser.ts'],
  transform: {
    '^.+\\.ts$': [
      'ts-jest',
      { tsconfig: { module: 'commonjs', moduleResolution: 'node', rootDir: '..' } }
    ]
  }
};
