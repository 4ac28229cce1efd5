import { errnoOf } from '../errors';

/** A command's process group, by its leader. It outlives the leader while it has members. */
export class ProcessGroup {
  readonly #leader: number;

  constructor(leader: number) {
    // kill(2) takes -1 for every process there is.
    if (!(leader > 1)) throw new RangeError(`${leader} is not the id of a started process`);
    this.#leader = leader;
  }

  /** False if the group has no members left. */
  signal(signal: NodeJS.Signals | 0): boolean {
    try {
      process.kill(-this.#leader, signal);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'ESRCH') return false;
      // macOS says EPERM about a group of zombies.
      if (errnoOf(error) === 'EPERM') return false;
      throw error;
    }
  }

  get alive(): boolean {
    return this.signal(0);
  }
}
