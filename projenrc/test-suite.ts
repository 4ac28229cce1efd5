import type { awscdk } from 'projen';
import { Component, JsonFile } from 'projen';
import { ALL_SOURCES, allSources, checkedFolder, pathsToSources } from './type-check';

/**
 * `npm test`: `check` compiles, checks the types of what only runs from source, and lints; then one jest run over all packages.
 * Jest transforms sources without checking types: the compilers have done that.
 */
export class TestSuite extends Component {
  constructor(project: awscdk.AwsCdkConstructLibrary) {
    super(project);
    new JsonFile(project, 'jest.config.json', {
      obj: {
        testMatch: ['<rootDir>/test/**/*.test.ts'],
        transform: {
          '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, sourceMaps: 'inline' }],
        },
        moduleNameMapper: {
          '^cdk-microvm-sandbox$': '<rootDir>/src',
          '^microvm-sandbox$': '<rootDir>/client/src',
          '^microvm-sandbox/protocol$': '<rootDir>/client/src/protocol',
          '^microvm-sandbox-local$': '<rootDir>/local/src',
        },
        modulePathIgnorePatterns: ['<rootDir>/(lib|dist|assets)/', '/cdk.out/'],
        setupFiles: ['<rootDir>/test/lean-synth.ts'],
        testTimeout: 30_000,
        // jest leaves one processor idle otherwise, which is half of a small machine.
        maxWorkers: '100%',
      },
    });

    checkedFolder(project, 'examples');
    project.tryRemoveFile('test/tsconfig.json');
    checkedFolder(project, 'test', {
      types: ['node', 'jest'],
      paths: pathsToSources('..'),
    });
    allSources(project);

    project.addTask('check-types', { description: 'Type checks of what only runs from source', exec: `tsc --project ${ALL_SOURCES}` });
    const check = project.addTask('check', { description: 'Compilation, type checks and lint' });
    // Lint reads sources alone, and keeps one processor busy for as long as all of the rest does the other.
    const compile = [project.preCompileTask, project.compileTask].map(({ name }) => `projen ${name}`).join(' && ');
    check.exec(`bash -c 'projen eslint & lint=$!; ${compile} && projen check-types; compiled=$?; wait $lint && exit $compiled'`);

    const snapshots = project.addTask('snapshots', { description: 'Renews the committed templates of the examples and integration apps' });
    snapshots.spawn(project.preCompileTask);
    snapshots.exec('tsx test/end-to-end/renew-snapshots.ts');

    project.testTask.reset();
    project.testTask.spawn(check);
    project.testTask.exec('jest --ci', { receiveArgs: true });
  }
}
