import type { Isolation } from './microvms';

export const ISOLATION_VARIABLE = 'MICROVM_LOCAL_ISOLATION';

export interface DetectedIsolation {
  readonly isolation: Isolation;
  /** Why not namespaces. */
  readonly reason?: string;
}

const CHOICES = ['auto', 'namespaces', 'processes'];

/** What was asked for, as far as the machine has it. The environment decides where the options say `auto`. */
export async function chooseIsolation(
  option: 'auto' | Isolation,
  environment: string | undefined,
  detect: () => Promise<DetectedIsolation>,
): Promise<DetectedIsolation> {
  const wanted = option === 'auto' ? environment || 'auto' : option;
  if (!CHOICES.includes(wanted)) {
    throw new RangeError(`startLocalCloud: isolation "${wanted}" is none of ${CHOICES.join(', ')} (option isolation or variable ${ISOLATION_VARIABLE})`);
  }
  if (wanted === 'processes') return { isolation: 'processes' };
  const detected = await detect();
  if (wanted === 'namespaces' && detected.isolation !== 'namespaces') {
    throw new Error(`startLocalCloud: isolation "namespaces" is not possible on this machine: ${detected.reason}; use "auto" or "processes"`);
  }
  return detected;
}
