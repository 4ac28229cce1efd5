import { stat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const POLL_MS = 250;

/**
 * Calls `onWritten` each time the assembly has been written anew. `cdk synth` writes `manifest.json` last; the folder must then be the
 * same at two looks in a row.
 */
export class AssemblyWatch {
  /** What is there now counts as seen. */
  static async start(folder: string, onWritten: () => void): Promise<AssemblyWatch> {
    return new AssemblyWatch(folder, await fingerprint(folder), onWritten);
  }

  readonly #timer: NodeJS.Timeout;
  #deployed: string;
  #seen: string;
  #looking = false;

  private constructor(private readonly folder: string, deployed: string, private readonly onWritten: () => void) {
    this.#deployed = deployed;
    this.#seen = deployed;
    this.#timer = setInterval(() => void this.#look(), POLL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    const now = await fingerprint(this.folder);
    this.#looking = false;
    const settled = now === this.#seen;
    this.#seen = now;
    if (!settled || now === this.#deployed || now === '') return;
    this.#deployed = now;
    this.onWritten();
  }
}

/** Of the files at the top of the assembly; empty while there is no manifest, or while something is being written. */
async function fingerprint(folder: string): Promise<string> {
  const names = await readdir(folder).catch((): string[] => []);
  if (!names.includes('manifest.json')) return '';
  const entries = await Promise.all(names.filter((name) => name.endsWith('.json')).sort().map(async (name) => {
    const { mtimeMs, size, ino } = await stat(join(folder, name)).catch(() => ({ mtimeMs: 0, size: 0, ino: 0 }));
    return `${name}:${mtimeMs}:${size}:${ino}`;
  }));
  return entries.join('\n');
}
