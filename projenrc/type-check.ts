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
