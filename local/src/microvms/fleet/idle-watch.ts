import type { IdlePolicy } from './run-input';
import type { Clock, Timer } from '../../clock';

/** Notices that nothing crossed the endpoint for as long as the policy allows. Without a policy it notices nothing. */
export class IdleWatch {
  #lastTraffic = 0;
  #timer?: Timer;

  constructor(
    private readonly clock: Clock,
    private readonly policy: IdlePolicy | null,
    private readonly onIdle: () => Promise<void> | undefined,
  ) {}

  touch(): void {
    this.#lastTraffic = this.clock.now();
  }

  /** A time without traffic begins. */
  start(): void {
    this.touch();
    this.#schedule();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #schedule(): void {
    this.stop();
    if (!this.policy) return;
    const idleMs = this.policy.maxIdleDurationSeconds * 1000;
    this.#timer = this.clock.after(this.#lastTraffic + idleMs - this.clock.now(), () => (
      this.clock.now() - this.#lastTraffic < idleMs ? this.#schedule() : this.onIdle()
    ));
  }
}
