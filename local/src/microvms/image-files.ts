import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { VersionRecord } from './image-record';

/** The built images on disk: a folder per image, in it a folder per version. */
export class ImageFiles {
  /** Deleted versions that microVMs still run from. */
  readonly #outlived = new Set<VersionRecord>();

  /** `isUsed`: whether a microVM of this version is not TERMINATED. */
  constructor(private readonly folder: string, private readonly isUsed: (version: VersionRecord) => boolean) {}

  folderOf(imageId: string, imageVersion: string): string {
    return join(this.folder, imageId, String(Number.parseInt(imageVersion, 10)));
  }

  async exist(version: VersionRecord): Promise<boolean> {
    return stat(version.folder).then(() => true, () => false);
  }

  async removeVersion(version: VersionRecord): Promise<void> {
    // A deleted version's microVMs keep running.
    if (this.isUsed(version)) this.#outlived.add(version);
    else await rm(version.folder, { recursive: true, force: true });
  }

  /** A microVM of this version is TERMINATED. */
  async release(version: VersionRecord): Promise<void> {
    if (!this.#outlived.has(version) || this.isUsed(version)) return;
    this.#outlived.delete(version);
    await rm(version.folder, { recursive: true, force: true });
  }

  async removeImage(imageId: string): Promise<void> {
    await rm(join(this.folder, imageId), { recursive: true, force: true });
  }

  /** Removes what no version owns: a service that died in the middle of its work left it. */
  async removeAllBut(versions: readonly VersionRecord[]): Promise<void> {
    const owned = new Set(versions.map((version) => version.folder));
    const list = (path: string): Promise<string[]> => readdir(path).catch(() => []);
    for (const imageId of await list(this.folder)) {
      for (const number of await list(join(this.folder, imageId))) {
        const folder = join(this.folder, imageId, number);
        if (!owned.has(folder)) await rm(folder, { recursive: true, force: true });
      }
    }
  }
}
