module.exports = {
  testEnvironment: 'jsdom',
  testRegex: 'src/.*\\.test\\.ts$',
  setupFiles: ['<rootDir>/testing/browser.ts'],
  transform: {
    '^.+\\.ts$': [
      'ts-jest',
      { tsconfig: { module: 'commonjs', moduleResolution: 'node', rootDir: '..' } }
    ]
  }
};
