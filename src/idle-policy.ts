import type { Duration } from 'aws-cdk-lib';
import type { PoolConfiguration } from './contract/pool';
import { checkDuration } from './private/check-duration';

type Rendered = PoolConfiguration['idle'];

/**
 * What becomes of a sandbox without traffic.
 *
 * Only requests that arrive at the sandbox count as traffic: a command that works in silence does not, and is frozen with the rest.
 */
export class IdlePolicy {
  /**
   * Suspend it: memory, files and processes stay, and the next request wakes it. A suspended sandbox costs storage only.
   *
   * @param duration From 1 minute to 8 hours.
   */
  public static suspendAfter(duration: Duration): IdlePolicy {
    return IdlePolicy.after('suspend', duration);
  }

  /**
   * End it, and what it holds.
   *
   * @param duration From 1 minute to 8 hours.
   */
  public static terminateAfter(duration: Duration): IdlePolicy {
    return IdlePolicy.after('terminate', duration);
  }

  /** Nothing: it runs, and is billed, until its lease ends. */
  public static none(): IdlePolicy {
    return new IdlePolicy(null);
  }

  private static after(then: 'suspend' | 'terminate', duration: Duration): IdlePolicy {
    checkDuration(duration, { name: `IdlePolicy.${then}After`, minSeconds: 60, maxSeconds: 8 * 3600 });
    return new IdlePolicy({ afterSeconds: duration.toSeconds(), then });
  }

  private constructor(private readonly rendered: Rendered) {}

  /**
   * The value for the pool's configuration.
   * @internal
   */
  public _render(): Rendered {
    return this.rendered;
  }
}
