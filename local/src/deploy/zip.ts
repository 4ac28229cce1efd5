import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';

export interface ZipEntry {
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number;
}

/** The earliest time that a zip can hold: the same content makes the same bytes. */
const MODIFIED = new Date(1980, 0, 1);

export async function zipEntries(entries: readonly ZipEntry[]): Promise<Buffer> {
  const zip = new ZipFile();
  for (const { path, content, mode } of entries) zip.addBuffer(content, path, { mtime: MODIFIED, mode });
  zip.end();
  return buffer(zip.outputStream);
}

/** The files below a directory, links followed, in the order of their paths, with their permissions: what `cdk deploy` puts into a zip. */
export function filesBelow(directory: string, prefix = ''): ZipEntry[] {
  return readdirSync(join(directory, prefix)).sort().flatMap((name) => {
    const path = prefix ? `${prefix}/${name}` : name;
    const file = join(directory, path);
    const { mode } = statSync(file);
    return statSync(file).isDirectory() ? filesBelow(directory, path) : [{ path, content: readFileSync(file), mode }];
  });
}
