import { lstatSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StepError } from './build-error';

const MAX_LINKS = 40;

/** Where `path` leads if `root` were the root: no link and no `..` leads out of it. What does not exist yet is taken as it stands. */
export function resolveInRoot(root: string, path: string): string {
  let resolved = root;
  let links = 0;
  for (let pending = path.split('/'); pending.length > 0;) {
    const [part, ...rest] = pending;
    pending = rest;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      resolved = resolved === root ? root : dirname(resolved);
      continue;
    }
    const candidate = join(resolved, part);
    if (!lstatSync(candidate, { throwIfNoEntry: false })?.isSymbolicLink()) {
      resolved = candidate;
      continue;
    }
    if (++links > MAX_LINKS) throw new StepError(`Too many links in ${path}`);
    const target = readlinkSync(candidate);
    if (target.startsWith('/')) resolved = root;
    pending = [...target.split('/'), ...pending];
  }
  return resolved;
}
