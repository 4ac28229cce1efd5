import { StepError } from './build-error';

/** The disk of a microVM of the largest size. */
const BYTES = 32 * 1024 ** 3;

/** What a build may write to its stages, copies of copies counted: a short Dockerfile must not fill this machine's disk. */
export class DiskRoom {
  #left = BYTES;

  take(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw new StepError('DISK_STORAGE_FULL: the stages are larger than the disk');
  }
}
