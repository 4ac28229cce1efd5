import { readFileSync } from 'node:fs';
import type { awscdk } from 'projen';
import { Component, JsonFile, TextFile } from 'projen';
import { checkedFolder } from './type-check';

export interface WorkspaceOptions {
  readonly folder: string;
  readonly name: string;
  readonly description: string;
  /** Subpath to module below `src`, without ending. */
  readonly exports: Record<string, string>;
  readonly bin?: Record<string, string>;
  readonly dependencies: Record<string, string>;
}

/**
 * A second npm package in the repository: plain TypeScript compiled by `tsc`, no jsii.
 *
 * Not a projen sub-project: its install task would prune the tree that all workspaces share.
 */
export class Workspace extends Component {
  constructor(project: awscdk.AwsCdkConstructLibrary, options: WorkspaceOptions) {
    super(project);
    const { folder } = options;
    const target = (module: string, ending: string) => `./lib/${module}.${ending}`;

    new JsonFile(project, `${folder}/package.json`, {
      obj: {
        name: options.name,
        version: '0.0.0',
        description: options.description,
        license: 'Apache-2.0',
        repository: { type: 'git', url: project.package.manifest.repository.url, directory: folder },
        engines: { node: '>= 20.0.0' },
        main: target('index', 'js'),
        types: target('index', 'd.ts'),
        exports: {
          ...Object.fromEntries(Object.entries(options.exports).map(([subpath, module]) => [
            subpath, { types: target(module, 'd.ts'), default: target(module, 'js') },
          ])),
          './package.json': './package.json',
        },
        // For TypeScript's resolution of old, which does not read `exports`.
        typesVersions: typesVersions(options.exports),
        bin: options.bin,
        files: [...(options.bin ? ['bin'] : []), 'lib', 'README.md', 'LICENSE'],
        dependencies: options.dependencies,
      },
    });
    // npm packs the licence that lies beside the package.json, and no other.
    new TextFile(project, `${folder}/LICENSE`, { lines: readFileSync('LICENSE', 'utf8').split('\n') });
    checkedFolder(project, folder, { rootDir: 'src', outDir: 'lib', declaration: true, include: ['src/**/*.ts'] });
    project.preCompileTask.exec(`tsc --project ${folder}`);
    project.gitignore.exclude(`/${folder}/lib/`);
  }
}

function typesVersions(modules: Record<string, string>): object | undefined {
  const subpaths = Object.entries(modules).filter(([subpath]) => subpath !== '.');
  if (subpaths.length === 0) return undefined;
  return { '*': Object.fromEntries(subpaths.map(([subpath, module]) => [subpath.slice(2), [`./lib/${module}.d.ts`]])) };
}
