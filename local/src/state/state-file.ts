import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const FORMAT = 'microvm-sandbox-local';
const VERSION = 1;

/** Everything that a local cloud keeps besides files of its parts' own. */
export interface SavedState {
  readonly account: string;
  readonly region: string;
  readonly port: number;
  /** What each part's `save` answered. */
  readonly parts: Readonly<Record<string, unknown>>;
}

/** The state of a local cloud as one file, replaced as a whole or not at all. */
export class StateFile {
  readonly path: string;
  #written = '';

  constructor(folder: string) {
    this.path = join(folder, 'state.json');
  }

  /** Undefined: nothing was saved yet. Throws for anything that is not a whole state of this version. */
  async read(): Promise<SavedState | undefined> {
    const text = await readFile(this.path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    return text === undefined ? undefined : this.#parse(text);
  }

  /** Answers false if the state is the one that is written already. */
  async write(state: SavedState): Promise<boolean> {
    const text = JSON.stringify({ format: FORMAT, version: VERSION, ...state });
    if (text === this.#written) return false;
    const temporary = `${this.path}.new`;
    try {
      await writeThrough(temporary, text);
      await rename(temporary, this.path);
      await syncFolder(dirname(this.path));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    this.#written = text;
    return true;
  }

  #parse(text: string): SavedState {
    let state: SavedState & { format?: unknown; version?: unknown };
    try {
      state = JSON.parse(text) as typeof state;
    } catch (error) {
      throw this.#problem(`is not whole (${(error as Error).message})`);
    }
    if (state?.format !== FORMAT) throw this.#problem('is not the state of a local cloud');
    if (state.version !== VERSION) {
      throw this.#problem(`has the version ${String(state.version)}, and this local cloud reads version ${VERSION}`);
    }
    const whole = typeof state.account === 'string' && typeof state.region === 'string' && typeof state.parts === 'object' && state.parts !== null;
    if (!whole) throw this.#problem('lacks its account, region or parts');
    return state;
  }

  #problem(what: string): Error {
    return new Error(`state: ${this.path} ${what}; give another folder, or remove this one to start with nothing`);
  }
}

async function writeThrough(file: string, text: string): Promise<void> {
  // It holds keys and the environments of functions.
  const handle = await open(file, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The new name survives a power cut, too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
