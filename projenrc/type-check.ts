import type { awscdk } from 'projen';
import { JsonFile } from 'projen';

const BASE = 'tsconfig.base.json';

/** The compiler options of everything that jsii does not compile. */
export function baseTsconfig(project: awscdk.AwsCdkConstructLibrary): void {
  new JsonFile(project, BASE, {
    obj: {
      compilerOptions: {
        target: 'ES2022',
        lib: ['ES2022', 'ESNext.Disposable', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
        types: ['node'],
        module: 'node16',
        moduleResolution: 'node16',
        strict: true,
        noImplicitReturns: true,
        noFallthroughCasesInSwitch: true,
        noUnusedLocals: true,
        noUnusedParameters: true,
        skipLibCheck: true,
        esModuleInterop: true,
      },
    },
  });
}

/** Our packages as they are imported, from their sources. */
export function pathsToSources(root: string): Record<string, string[]> {
  return {
    'cdk-microvm-sandbox': [`${root}/src/index.ts`],
    'microvm-sandbox': [`${root}/client/src/index.ts`],
    'microvm-sandbox/protocol': [`${root}/client/src/protocol/index.ts`],
    'microvm-sandbox-local': [`${root}/local/src/index.ts`],
  };
}

export const ALL_SOURCES = 'tsconfig.dev.json';

/** One program for lint and type checks: each reads the CDK's declarations, which takes most of its time. */
export function allSources(project: awscdk.AwsCdkConstructLibrary): void {
  new JsonFile(project, ALL_SOURCES, {
    obj: {
      extends: `./${BASE}`,
      compilerOptions: { noEmit: true, types: ['node', 'jest'], paths: pathsToSources('.') },
      include: ['.projenrc.ts', '*/**/*.ts'],
      exclude: ['**/node_modules', '**/cdk.out', '**/lib', 'dist', 'assets'],
    },
  });
  const eslint = project.tryFindObjectFile('.eslintrc.json');
  eslint?.addDeletionOverride('parserOptions.projectService');
  eslint?.addOverride('parserOptions.project', `./${ALL_SOURCES}`);
  // Our packages are found by their names, as sources, whether they are compiled or not. Node's own way would find them in
  // node_modules, where the rule on the direction of imports does not look.
  eslint?.addDeletionOverride('settings.import/resolver.node');
  eslint?.addOverride('settings.import/resolver.typescript.project', `./${ALL_SOURCES}`);
  project.eslint?.addRules({
    'import/order': ['warn', { groups: ['builtin', ['external', 'internal']], alphabetize: { order: 'asc', caseInsensitive: true } }],
  });
}

export interface CheckedFolderOptions {
  readonly rootDir?: string;
  /** Absent: the folder is checked and nothing is written. */
  readonly outDir?: string;
  readonly declaration?: boolean;
  readonly types?: string[];
  readonly paths?: Record<string, string[]>;
  readonly include?: string[];
}

/** A folder with a `tsconfig.json` of its own, so that editors, lint and `tsc` see it the same way. */
export function checkedFolder(
  project: awscdk.AwsCdkConstructLibrary,
  folder: string,
  options: CheckedFolderOptions = {},
): void {
  const { include = ['**/*.ts'], ...compilerOptions } = options;
  new JsonFile(project, `${folder}/tsconfig.json`, {
    obj: {
      extends: `../${BASE}`,
      compilerOptions: { noEmit: options.outDir === undefined ? true : undefined, ...compilerOptions },
      include,
      exclude: ['node_modules', 'cdk.out', '**/cdk.out'],
    },
  });
}
