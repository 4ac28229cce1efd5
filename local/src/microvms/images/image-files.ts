import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { VersionRecord } from './image-record';
import type { FileDisposal } from '../../state/file-disposal';

/** The built images on disk: a folder per image, in it a folder per version. */
export class ImageFiles {
  /** Deleted versions that microVMs still run from. */
  readonly #outlived = new Set<VersionRecord>();

  /** `isUsed`: whether a microVM of this version is not TERMINATED. */
  constructor(
    private readonly folder: string,
    private readonly isUsed: (version: VersionRecord) => boolean,
    private readonly disposal: FileDisposal,
  ) {}

  folderOf(imageId: string, imageVersion: string): string {
    return join(this.folder, imageId, String(Number.parseInt(imageVersion, 10)));
  }

  async exist(version: VersionRecord): Promise<boolean> {
    return stat(version.folder).then(() => true, () => false);
  }

  async removeVersion(version: VersionRecord): Promise<void> {
    // A deleted version's microVMs keep running.
    if (this.isUsed(version)) this.#outlived.add(version);
    else await this.disposal.remove(version.folder);
  }

  /** A microVM of this version is TERMINATED. */
  async release(version: VersionRecord): Promise<void> {
    if (!this.#outlived.has(version) || this.isUsed(version)) return;
    this.#outlived.delete(version);
    await this.disposal.remove(version.folder);
  }

  async removeImage(imageId: string): Promise<void> {
    await this.disposal.remove(join(this.folder, imageId));
  }

  /** Removes what no version owns: a service that died in the middle of its work left it. */
  async removeAllBut(versions: readonly VersionRecord[]): Promise<void> {
    const owned = new Set(versions.map((version) => version.folder));
    const list = (path: string): Promise<string[]> => readdir(path).catch(() => []);
    for (const imageId of await list(this.folder)) {
      const folders = (await list(join(this.folder, imageId))).map((number) => join(this.folder, imageId, number));
      const unowned = folders.filter((folder) => !owned.has(folder));
      const gone = unowned.length === folders.length ? [join(this.folder, imageId)] : unowned;
      for (const path of gone) await rm(path, { recursive: true, force: true });
    }
  }
}
