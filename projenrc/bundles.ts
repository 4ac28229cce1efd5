import type { awscdk } from 'projen';
import { Component } from 'projen';
import { checkedFolder } from './type-check';

export interface BundlesOptions {
  /** Folders below `lambda/`, each with an `index.ts`. */
  readonly handlers: string[];
}

/** esbuild bundles of everything that runs outside of synth, written to `assets/` and shipped in the package. */
export class Bundles extends Component {
  constructor(project: awscdk.AwsCdkConstructLibrary, options: BundlesOptions) {
    super(project);
    for (const handler of options.handlers) {
      // The Lambda runtime does not carry the MicroVMs client, so the SDK is bundled too.
      project.bundler.addBundle(`lambda/${handler}/index.ts`, {
        platform: 'node',
        target: 'node22',
        outfile: '../index.js',
        // Half the code, so half of a cold start's loading: what nobody imports falls out of modules only.
        esbuildArgs: { '--main-fields': 'module,main' },
        watchTask: false,
      });
    }
    const daemon = project.bundler.addBundle('runtime-image/daemon/index.ts', {
      platform: 'node',
      target: 'node20',
      outfile: '../../daemon.js',
      watchTask: false,
    });
    daemon.bundleTask.exec('cp runtime-image/Dockerfile runtime-image/init.sh assets/runtime-image/');

    for (const folder of ['lambda', 'runtime-image']) checkedFolder(project, folder);
  }
}
