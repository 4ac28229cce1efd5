/** What is understood of the Amazon States Language: what CDK's waiter uses, and the trivial rest. */
export interface StateMachineDefinition {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

export interface State {
  readonly Type: 'Task' | 'Pass' | 'Succeed' | 'Fail';
  readonly Next?: string;
  readonly End?: boolean;
  /** Of a task: the ARN of a function. */
  readonly Resource?: string;
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly Catcher[];
  /** Of a Pass. */
  readonly Result?: unknown;
  readonly Error?: string;
  readonly Cause?: string;
}

export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly MaxAttempts?: number;
  readonly BackoffRate?: number;
}

export interface Catcher {
  readonly ErrorEquals: readonly string[];
  readonly Next: string;
}

const MEMBERS: Readonly<Record<State['Type'], readonly string[]>> = {
  Task: ['Type', 'Comment', 'Next', 'End', 'Resource', 'Retry', 'Catch'],
  Pass: ['Type', 'Comment', 'Next', 'End', 'Result'],
  Succeed: ['Type', 'Comment'],
  Fail: ['Type', 'Comment', 'Error', 'Cause'],
};

/** Refuses what the interpreter would not run faithfully, before anything runs. */
export function parseDefinition(text: string): StateMachineDefinition {
  const definition = JSON.parse(text) as StateMachineDefinition;
  const names = Object.keys(definition.States ?? {});
  const checkName = (name: string | undefined, where: string): void => {
    if (!name || !names.includes(name)) throw new Error(`${where} names the state "${name}", which is none of ${names.join(', ')}`);
  };
  checkName(definition.StartAt, 'StartAt');
  for (const [name, state] of Object.entries(definition.States)) {
    const allowed = Object.hasOwn(MEMBERS, state.Type) ? MEMBERS[state.Type] : undefined;
    if (!allowed) throw new Error(`state "${name}" has the type ${state.Type}; the local cloud runs ${Object.keys(MEMBERS).join(', ')}`);
    const unknown = Object.keys(state).filter((member) => !allowed.includes(member));
    if (unknown.length > 0) throw new Error(`state "${name}" has ${unknown.join(', ')}, which the local cloud does not run`);
    if (state.Type === 'Task' && !/:lambda:[^:]*:[^:]*:function:/.test(state.Resource ?? '')) {
      throw new Error(`state "${name}" has the resource ${state.Resource}; the local cloud runs only functions by their ARN`);
    }
    if (state.Next) checkName(state.Next, `state "${name}"`);
    for (const { Next } of state.Catch ?? []) checkName(Next, `a catcher of state "${name}"`);
  }
  return definition;
}

export class StateError extends Error {
  constructor(readonly error: string, cause: string) {
    super(cause);
  }
}

export function matches(errorEquals: readonly string[], error: string): boolean {
  return errorEquals.includes('States.ALL') || errorEquals.includes('States.TaskFailed') || errorEquals.includes(error);
}
