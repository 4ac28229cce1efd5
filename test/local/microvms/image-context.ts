import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type AssembledImage, assembleImage, type AssemblyOptions } from '../../../local/src/microvms/build/assemble-image';
import { ContainerBuildError } from '../../../local/src/microvms/build/build-error';
import { BuildLog } from '../../../local/src/microvms/build/build-log';

export const NOT_RUN = 'nothing is run here';

/** The unpacked artifact of an image, and images made of it. */
export class ImageContext {
  readonly folder = mkdtempSync(join(tmpdir(), 'mv-image-'));
  readonly path = join(this.folder, 'context');
  log = new BuildLog();
  #images = 0;

  constructor() {
    mkdirSync(this.path);
  }

  write(files: Readonly<Record<string, string | Buffer>>): void {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.path, name)), { recursive: true });
      writeFileSync(join(this.path, name), content);
    }
  }

  assemble(
    dockerfile: string, files: Readonly<Record<string, string | Buffer>> = {}, run: AssemblyOptions['run'] = NOT_RUN,
  ): Promise<AssembledImage> {
    this.write({ ...files, Dockerfile: dockerfile });
    this.log = new BuildLog();
    return assembleImage({ context: this.path, folder: join(this.folder, `work-${this.#images++}`), log: this.log, run });
  }

  /** What the build log tells about the failure. */
  async failure(dockerfile: string, files: Readonly<Record<string, string | Buffer>> = {}, run?: AssemblyOptions['run']): Promise<string> {
    const error = await this.assemble(dockerfile, files, run).then(() => undefined, (reason: unknown) => reason);
    if (!(error instanceof ContainerBuildError)) throw error ?? new Error('the build did not fail');
    return error.detail;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Every file below a folder, by its path. */
export function tree(root: string, path = ''): string[] {
  return readdirSync(join(root, path), { withFileTypes: true }).flatMap((entry) => (
    entry.isDirectory() ? tree(root, join(path, entry.name)) : [join(path, entry.name)]
  )).sort();
}
