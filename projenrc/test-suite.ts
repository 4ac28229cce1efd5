import type { awscdk } from 'projen';
import { Component, JsonFile } from 'projen';
import { ALL_SOURCES, allSources, checkedFolder, pathsToSources } from './type-check';

/**
 * `npm test`: compile, then `verify`: lint, type checks of what only runs from source, one jest run over all packages.
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

    const verify = project.addTask('verify', { description: 'Lint, type checks and tests of a compiled tree' });
    project.addTask('check-types', { description: 'Type checks of what only runs from source', exec: `tsc --project ${ALL_SOURCES}` });
    // Each of the two keeps one processor busy for a minute or two.
    verify.exec("bash -c 'projen check-types & types=$!; projen eslint; lint=$?; wait $types && exit $lint'");
    verify.exec('jest --ci', { receiveArgs: true });

    const snapshots = project.addTask('snapshots', { description: 'Renews the committed templates of the examples and integration apps' });
    snapshots.spawn(project.preCompileTask);
    snapshots.exec('tsx test/end-to-end/renew-snapshots.ts');

    project.testTask.reset();
    project.testTask.spawn(project.preCompileTask);
    project.testTask.spawn(project.compileTask);
    project.testTask.spawn(verify, { receiveArgs: true });
  }
}
