import { rm } from 'node:fs/promises';

/**
 * Removes files and folders that nothing names any more. Where state is kept, only after the next state was written: until then the one
 * on the disk still names them, and a process that dies now comes back with it.
 */
export class FileDisposal {
  #waiting: string[] = [];

  constructor(private readonly keepsState: boolean) {}

  async remove(path: string): Promise<void> {
    if (this.keepsState) this.#waiting.push(path);
    else await rm(path, { recursive: true, force: true });
  }

  /** Takes what waits now; the answer removes it. */
  take(): () => Promise<void> {
    const paths = this.#waiting;
    this.#waiting = [];
    return async () => {
      for (const path of paths) await rm(path, { recursive: true, force: true });
    };
  }
}
