import { readFileSync, statSync } from 'node:fs';

const MAX_BYTES = 16 * 1024 ** 2;

/** The entries of a table such as `/etc/passwd`, field by field; none if it is no table. A device or a pipe in its place would never end. */
export function readTable(file: string): string[][] {
  try {
    const stat = statSync(file);
    if (!stat.isFile() || stat.size > MAX_BYTES) return [];
    return readFileSync(file, 'utf8').split('\n').map((line) => line.split(':'));
  } catch {
    return [];
  }
}
