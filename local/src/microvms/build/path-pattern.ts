import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { StepError } from './build-error';
import { resolveInRoot } from './rooted-path';
import { starSource } from './star-pattern';

/** Paths below `root` that a COPY source names: `*`, `?` and `[…]` match within one path segment. Relative to `root`. */
export function matchPaths(root: string, pattern: string): string[] {
  let found = [''];
  for (const segment of pattern.split('/').filter((part) => part !== '' && part !== '.')) {
    if (segment === '..') throw new StepError(`failed to calculate checksum of ref: "${pattern}" leads out of the build context: not found`);
    const expression = /[*?[]/.test(segment) ? segmentExpression(segment) : undefined;
    found = found.flatMap((folder) => namesIn(resolveInRoot(root, folder))
      .filter((name) => (expression ? expression.test(name) : name === segment))
      .map((name) => join(folder, name)));
  }
  return found;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function partSource(part: string): string {
  if (part === '?') return '.';
  return part.length > 1 ? part.replace(/\\/g, '\\\\') : part.replace(/[\\^$.|+(){}[\]]/g, '\\$&');
}

function segmentExpression(segment: string): RegExp {
  const pieces = [''];
  for (const [part] of segment.matchAll(/\[\^?[^\]]+\]|[\s\S]/g)) {
    if (part === '*') pieces.push('');
    else pieces[pieces.length - 1] += partSource(part);
  }
  try {
    return new RegExp(`^${starSource(pieces, '.')}$`, 's');
  } catch {
    throw new StepError(`syntax error in pattern ${segment}`);
  }
}
