import type { Guest } from './guest';
import { pollHook } from './hooks';
import type { Clock } from '../../clock';
import type { Machine } from '../machine/machine';
import type { Machines } from '../machine/machines';

export interface StartToReady {
  readonly machines: Machines;
  readonly clock: Clock;
  readonly onOutput: (line: string) => void;
  readonly signal: AbortSignal;
  /** Nobody waits for it. */
  readonly ahead?: boolean;
  readonly onTurn?: () => void;
}

/**
 * The service starts from a snapshot that was taken after `/ready`; here a machine gets there anew. Rejects if the
 * signal comes before its start; afterwards the caller looks at the signal. The machine may have ended on its way.
 */
export async function startToReady(guest: Guest, start: StartToReady): Promise<Machine> {
  const { machines, clock, onOutput, signal } = start;
  const ready = guest.hook('ready');
  let problem: Error | undefined;
  const machine = await guest.start(machines, onOutput, {
    ...start,
    settle: async (started) => {
      if (!ready) return;
      const ended = new AbortController();
      void started.exited.then(() => ended.abort());
      const result = await pollHook(clock, started, { ...ready, signal: AbortSignal.any([signal, ended.signal]) });
      if ('status' in result ? result.status === 200 : result.failure === 'aborted') return;
      problem = new Error('the ready hook, which passed in the build, failed at the start');
    },
  });
  if (!problem) return machine;
  await machines.stop(machine);
  throw problem;
}
