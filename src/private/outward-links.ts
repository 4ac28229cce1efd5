import { existsSync, lstatSync, readdirSync, readlinkSync, realpathSync } from 'fs';
import { dirname, join, relative, resolve, sep } from 'path';
import { IgnoreMode, IgnoreStrategy } from 'aws-cdk-lib';
import { ValidationError } from '../validation-error';

/**
 * Refuses a link that leads out of the directory. Publishing an asset follows links: a link to a key in a home directory would upload the
 * key, which no pattern for the link's own name leaves out.
 */
export function refuseOutwardLinks(directory: string, exclude: string[]): void {
  if (!lstatSync(directory).isDirectory()) return;
  const ignored = IgnoreStrategy.fromCopyOptions({ exclude, ignoreMode: IgnoreMode.GIT }, directory);
  const root = realpathSync(directory);
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (ignored.ignores(path)) continue;
      if (entry.isDirectory()) visit(path);
      if (entry.isSymbolicLink() && !isBelow(root, targetOf(path))) throw outward(relative(directory, path), directory);
    }
  };
  visit(directory);
}

/** Of a link to nothing, as far as it can be told. */
function targetOf(link: string): string {
  return existsSync(link) ? realpathSync(link) : resolve(realpathSync(dirname(link)), readlinkSync(link));
}

function isBelow(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : `${root}${sep}`);
}

function outward(link: string, directory: string): ValidationError {
  return new ValidationError(
    `the link '${link}' in ${directory} leads out of it, and what it leads to would be uploaded; put a copy in its place, or leave it out`,
  );
}
