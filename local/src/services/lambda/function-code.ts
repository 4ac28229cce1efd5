import { createHash, randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { FileDisposal } from '../../state/file-disposal';
import { OngoingWork } from '../ongoing-work';
import type { FunctionDefinition } from './function-definition';
import { unzip } from './unzip';

type UnpackedCode = Pick<FunctionDefinition, 'codeFolder' | 'codeSha256'>;

/** The unpacked code of functions: a folder per function, in it one for each code that it has had. */
export class FunctionCode {
  readonly #unpacking = new OngoingWork();

  constructor(private readonly folder: string, private readonly disposal: FileDisposal) {}

  async unpack(name: string, zip: Buffer): Promise<UnpackedCode> {
    const codeSha256 = createHash('sha256').update(zip).digest('base64');
    const codeFolder = join(this.folder, name, randomUUID());
    await this.#unpacking.run(() => unzip(zip, codeFolder));
    return { codeFolder, codeSha256 };
  }

  async remove(codeFolder: string): Promise<void> {
    await this.disposal.remove(codeFolder);
  }

  /** As it is saved: where the cloud keeps its files may be another place next time. */
  relocated(definition: FunctionDefinition): FunctionDefinition {
    return { ...definition, codeFolder: relative(this.folder, definition.codeFolder) };
  }

  located(definition: FunctionDefinition): FunctionDefinition {
    return { ...definition, codeFolder: join(this.folder, definition.codeFolder) };
  }

  /** Removes what is not among `wanted`, and throws if one of these is not there. */
  async keepOnly(wanted: readonly string[]): Promise<void> {
    const { folder } = this;
    const missing = new Set(wanted.map((path) => relative(folder, path)));
    for (const name of await readdir(folder).catch(() => [])) {
      for (const code of await readdir(join(folder, name)).catch(() => [])) {
        const path = join(name, code);
        if (!missing.delete(path)) await rm(join(folder, path), { recursive: true, force: true });
      }
    }
    const [first] = missing;
    if (first !== undefined) throw new Error(`the code of ${missing.size} functions is missing in ${folder}, such as ${first}`);
  }

  /** Throws once the cloud is stopped. */
  check(): void {
    this.#unpacking.check();
  }

  close(): Promise<void> {
    return this.#unpacking.close();
  }
}
