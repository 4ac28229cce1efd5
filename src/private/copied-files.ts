import { cpSync, existsSync } from 'fs';
import { join, posix, relative, resolve } from 'path';
import { IgnoreMode, IgnoreStrategy } from 'aws-cdk-lib';
import { DEFAULT_EXCLUDE } from './default-exclude';
import { refuseOutwardLinks } from './outward-links';
import { ValidationError } from '../validation-error';

/** Destination in the image to path on this machine. */
export type CopiedFiles = Readonly<Record<string, string>>;

/** Refuses a destination that COPY would read in its own way, and a source that is not there. */
export function checkCopiedFiles(files: CopiedFiles = {}): void {
  for (const [destination, source] of Object.entries(files)) {
    // COPY expands $, and \ escapes.
    if (!posix.isAbsolute(destination) || posix.normalize(destination) !== destination || /[$\\\p{Cc}]/u.test(destination)) {
      throw new ValidationError(
        `files: the destination '${destination}' must be an absolute path without '..', '//', '$' and '\\', like /workspace/data.csv`,
      );
    }
    if (destination === '/') throw new ValidationError("files: the destination '/' would replace the image; name a path below it");
    if (!existsSync(resolve(source))) {
      throw new ValidationError(`files: '${source}' (${resolve(source)}), to be copied to ${destination}, does not exist`);
    }
  }
}

/** Copies the files into the build context and returns the Dockerfile's lines for them. */
export function stageFiles(context: string, files: CopiedFiles = {}): string[] {
  return Object.entries(files).map(([destination, source], index) => {
    const staged = `files/${index}`;
    copyTree(resolve(source), join(context, staged), DEFAULT_EXCLUDE);
    return `COPY --chown=sandbox:sandbox ${JSON.stringify([staged, destination])}`;
  });
}

/** Copies a file or a directory without what the patterns leave out. */
export function copyTree(source: string, target: string, exclude: string[]): void {
  refuseOutwardLinks(source, exclude);
  const ignored = IgnoreStrategy.fromCopyOptions({ exclude, ignoreMode: IgnoreMode.GIT }, source);
  cpSync(source, target, {
    recursive: true,
    preserveTimestamps: false,
    verbatimSymlinks: true,
    // What was named itself is copied whatever its name.
    filter: (path) => relative(source, path) === '' || !ignored.ignores(path),
  });
}
