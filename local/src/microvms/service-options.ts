import { DEFAULT_TIME_SCALE, scaledDelays } from './delays';
import { type MemoryCounting, type MicrovmQuotas, readQuotas } from './quotas';

/** How strictly and how slowly the service works. */
export interface ServiceBehaviour {
  /**
   * Seconds here for a second that the MicroVMs service takes from state to state: 1 takes as long as AWS, 0 no time. Builds of images take
   * what they take here. Default: 0.02.
   */
  readonly timeScale?: number;
  /** What the account may use of the MicroVMs; `true`: what a new account may in this Region. Default: there is no limit. */
  readonly quotas?: true | MicrovmQuotas;
  /** How a microVM counts towards `quotas.memoryMib`: by its size, or by the peak it may reach, four times that. Default: `baseline`. */
  readonly memoryCounting?: MemoryCounting;
  /**
   * A microVM is TERMINATED as soon as it was suspended for its `suspendedDurationSeconds`, or only at the end of its maximum duration; both
   * were seen on AWS. Default: `exact`.
   */
  readonly suspendedExpiry?: 'exact' | 'lazy';
}

/** Every option checked and decided. */
export function readBehaviour(options: ServiceBehaviour, region: string) {
  const { timeScale = DEFAULT_TIME_SCALE, memoryCounting = 'baseline', suspendedExpiry = 'exact' } = options;
  assertOneOf('memoryCounting', memoryCounting, ['baseline', 'peak']);
  assertOneOf('suspendedExpiry', suspendedExpiry, ['exact', 'lazy']);
  const quotas = readQuotas(options.quotas, region);
  return { delays: scaledDelays(timeScale), quotas, memoryCounting, suspendedExpiry };
}

function assertOneOf(name: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw new RangeError(`${name}: "${value}" is none of ${allowed.join(', ')}`);
}
