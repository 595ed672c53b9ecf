module.exports = {
  testEnvironment: 'jsdom',
  testRegex: 'src/.*\\.test\\.ts$',
  transform: {
    '^.+\\.ts$': [
      'ts-jest',
      { tsconfig: { module: 'commonjs', moduleResolution: 'node', rootDir: '..' } }
    ]
  }
};
