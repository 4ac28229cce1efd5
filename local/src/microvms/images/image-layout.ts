import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A built image, apart from its files. */
export interface ImageLayout {
  /** Program and arguments of the main process. */
  readonly command: readonly string[];
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** From EXPOSE. */
  readonly ports: readonly number[];
  /** Recorded only: a guest has one user, which is root to it. */
  readonly user?: string;
}

export function rootfsOf(imageFolder: string): string {
  return join(imageFolder, 'rootfs');
}

export async function writeLayout(imageFolder: string, layout: ImageLayout): Promise<void> {
  await writeFile(join(imageFolder, 'config.json'), JSON.stringify(layout, undefined, 2));
}

export async function readLayout(imageFolder: string): Promise<ImageLayout> {
  return JSON.parse(await readFile(join(imageFolder, 'config.json'), 'utf8')) as ImageLayout;
}
