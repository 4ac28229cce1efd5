import type { Retrier, State, StateMachineDefinition } from './state-machine';
import { matches, StateError } from './state-machine';
import type { Clock } from '../../clock';

/** Runs a task; throws a `StateError` for an error of the function. */
export type RunTask = (functionArn: string, input: unknown) => Promise<unknown>;

export interface ExecutionOptions {
  readonly clock: Clock;
  readonly runTask: RunTask;
  /** A longer wait before a retry is split into this many milliseconds each, with an attempt after each. */
  readonly longestWaitMs: number;
  readonly stopped: AbortSignal;
}

/** Step Functions ends an execution whose history has 25,000 events; a state has two at least. */
const MAX_STATES = 12_500;

/** Runs a state machine to its end and answers its output. */
export async function execute(
  definition: StateMachineDefinition,
  input: unknown,
  options: ExecutionOptions,
): Promise<unknown> {
  let value = input;
  let entered = 0;
  for (let name: string | undefined = definition.StartAt; name !== undefined;) {
    entered += 1;
    if (entered > MAX_STATES) throw new StateError('States.Runtime', 'The execution reached the maximum number of history events (25000).');
    const state: State = definition.States[name];
    if (state.Type === 'Fail') throw new StateError(state.Error ?? '', state.Cause ?? '');
    if (state.Type === 'Pass') value = state.Result ?? value;
    const outcome: Outcome = state.Type === 'Task' ? await runTask(state, value, options) : { value, next: state.Next };
    value = outcome.value;
    name = outcome.next;
  }
  return value;
}

interface Outcome {
  readonly value: unknown;
  readonly next?: string;
}

async function runTask(state: State, input: unknown, options: ExecutionOptions): Promise<Outcome> {
  const used = new Map<Retrier, number>();
  for (;;) {
    try {
      return { value: await options.runTask(state.Resource ?? '', input), next: state.Next };
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      const retrier = state.Retry?.find(({ ErrorEquals }) => matches(ErrorEquals, error.error));
      const wait = retrier && nextWait(retrier, used, options.longestWaitMs);
      if (wait !== undefined) {
        await options.clock.sleep(wait);
        options.stopped.throwIfAborted();
        continue;
      }
      const catcher = state.Catch?.find(({ ErrorEquals }) => matches(ErrorEquals, error.error));
      if (!catcher) throw error;
      return { value: { Error: error.error, Cause: error.message }, next: catcher.Next };
    }
  }
}

/** Milliseconds until the next attempt; undefined once the retrier's patience, which splitting does not change, is used up. */
function nextWait(retrier: Retrier, used: Map<Retrier, number>, longestWaitMs: number): number | undefined {
  const { IntervalSeconds = 1, MaxAttempts = 3, BackoffRate = 2 } = retrier;
  let attempt = used.get(retrier) ?? 0;
  used.set(retrier, attempt + 1);
  for (let interval = 0; interval < MaxAttempts; interval++) {
    const intervalMs = IntervalSeconds * 1000 * BackoffRate ** interval;
    const parts = Math.ceil(intervalMs / longestWaitMs);
    if (attempt < parts) return intervalMs / parts;
    attempt -= parts;
  }
  return undefined;
}
