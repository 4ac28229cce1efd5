import type { ApiCall, ApiResponse, Guard } from './api';
import { isOperation } from './operations';

export interface LostAnswer {
  /** AWS's name of the operation, as in `RunMicrovm`. */
  readonly operation: string;
  /** How many answers are lost. Default: 1. */
  readonly times?: number;
}

/** What goes wrong on purpose. */
export class Faults implements Guard {
  #lostAnswers = new Map<string, number>();

  /** The next requests of this operation take effect, and their answers never leave: the caller waits until it gives up. */
  loseAnswer({ operation, times = 1 }: LostAnswer): void {
    if (!isOperation(operation)) {
      throw new RangeError(`loseAnswer: operation "${operation}" is none that the local cloud knows; use AWS's name, as in "RunMicrovm"`);
    }
    if (!Number.isSafeInteger(times) || times < 1) throw new RangeError(`loseAnswer: times must be a whole number from 1, got ${times}`);
    this.#lostAnswers.set(operation, (this.#lostAnswers.get(operation) ?? 0) + times);
  }

  /** Switches every fault off. */
  clear(): void {
    this.#lostAnswers.clear();
  }

  async release({ operation }: ApiCall, answer: ApiResponse): Promise<ApiResponse | undefined> {
    const left = this.#lostAnswers.get(operation) ?? 0;
    if (left === 0) return answer;
    this.#lostAnswers.set(operation, left - 1);
    return undefined;
  }
}
