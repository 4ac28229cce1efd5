import type { ApiCall, ApiResponse, Guard } from '../api';
import type { Persistent } from '../persistent';
import type { FileDisposal } from './file-disposal';
import type { SavedState, StateFile } from './state-file';

/** Changes within this time are written together. */
const QUIET_MS = 200;
/** Operations that change nothing, by the beginning of their names. */
const READS = /^(?:BatchGet|Describe|Filter|Get|Head|List|Query|Scan|TransactGet)/;

export interface StateKeeperOptions {
  readonly file: StateFile;
  readonly disposal: FileDisposal;
  /** Restored in this order. */
  readonly parts: Readonly<Record<string, Persistent>>;
  /** What is not a part's. */
  readonly place: () => Omit<SavedState, 'parts'>;
  readonly onWarning: (message: string) => void;
}

/** Writes the state of the cloud a moment after each change, and when it stops: from `open` on. */
export class StateKeeper implements Guard {
  #timer?: NodeJS.Timeout;
  #writing: Promise<void> = Promise.resolve();
  #phase: 'starting' | 'open' | 'closed' = 'starting';

  constructor(private readonly options: StateKeeperOptions) {}

  /** Takes the parts to what was saved. Throws with the part's name if one cannot be. */
  async restore({ parts }: SavedState): Promise<void> {
    for (const [name, part] of Object.entries(this.options.parts)) {
      if (parts[name] === undefined) continue;
      try {
        await part.restore(parts[name]);
      } catch (error) {
        const { path } = this.options.file;
        throw new Error(`state: the part "${name}" of ${path} cannot be restored (${(error as Error).message}); give another folder, or remove this one to start with nothing`, { cause: error });
      }
    }
  }

  /** The cloud has started. One that fails to start leaves the state as it was. */
  open(): void {
    this.#phase = 'open';
    this.touch();
  }

  /** Something has changed. */
  touch(): void {
    if (this.#phase !== 'open' || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#write();
    }, QUIET_MS);
    this.#timer.unref();
  }

  async release({ operation }: ApiCall, answer: ApiResponse): Promise<ApiResponse> {
    if (!READS.test(operation)) this.touch();
    return answer;
  }

  /** Writes the state as it is now; what happens later is not kept. */
  async close(): Promise<void> {
    const wasOpen = this.#phase === 'open';
    this.#phase = 'closed';
    clearTimeout(this.#timer);
    await (wasOpen ? this.#write() : this.#writing);
  }

  #write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#save());
    return this.#writing;
  }

  async #save(): Promise<void> {
    const { file, disposal, parts, place, onWarning } = this.options;
    try {
      const removeUnnamed = disposal.take();
      const late = new Map<string, unknown>();
      for (const [name, part] of Object.entries(parts)) {
        const answer = part.save();
        if (answer instanceof Promise) late.set(name, await answer);
      }
      // Asked again now, so that all others are of one moment.
      const saved = Object.entries(parts).map(([name, part]) => (
        [name, late.has(name) ? late.get(name) : part.save()] as const
      ));
      await file.write({ ...place(), parts: Object.fromEntries(saved) });
      await removeUnnamed();
    } catch (error) {
      onWarning(`the state could not be written to ${file.path}: ${(error as Error).message}`);
    }
  }
}
