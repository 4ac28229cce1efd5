import type { Members, Rule } from '../wire/constraints';

export type HookName = 'ready' | 'validate' | 'run' | 'resume' | 'suspend' | 'terminate';

export interface HooksInput {
  readonly port?: number | null;
  readonly microvmHooks?: Readonly<Record<string, string | number | null>> | null;
  readonly microvmImageHooks?: Readonly<Record<string, string | number | null>> | null;
}

export interface EnabledHook {
  readonly name: HookName;
  readonly timeoutSeconds: number;
}

const BUILD_HOOKS: readonly HookName[] = ['ready', 'validate'];
const RUNTIME_HOOKS: readonly HookName[] = ['run', 'resume', 'suspend', 'terminate'];

/** What the service takes where a hook names no timeout: a minute for `ready`, one second for all others. */
const DEFAULT_TIMEOUT_SECONDS = 1;
const DEFAULT_READY_TIMEOUT_SECONDS = 60;

function group(names: readonly HookName[], longestSeconds: number): Rule {
  const members = names.flatMap((name): [string, Rule][] => [
    [name, { type: 'string', values: ['ENABLED', 'DISABLED'] }],
    [`${name}TimeoutInSeconds`, { type: 'integer', min: 1, max: longestSeconds }],
  ]);
  return { type: 'structure', members: Object.fromEntries(members) };
}

export const hookMembers: Members = {
  port: { type: 'integer', min: 1, max: 65_535 },
  microvmHooks: group(RUNTIME_HOOKS, 60),
  microvmImageHooks: group(BUILD_HOOKS, 3600),
};

export function hookEntries(hooks: HooksInput | null): EnabledHook[] {
  const read = (names: readonly HookName[], settings: HooksInput['microvmHooks']): EnabledHook[] => names
    .filter((name) => settings?.[name] === 'ENABLED')
    .map((name) => ({ name, timeoutSeconds: Number(settings?.[`${name}TimeoutInSeconds`] ?? defaultTimeout(name)) }));
  return [...read(BUILD_HOOKS, hooks?.microvmImageHooks), ...read(RUNTIME_HOOKS, hooks?.microvmHooks)];
}

function defaultTimeout(name: HookName): number {
  return name === 'ready' ? DEFAULT_READY_TIMEOUT_SECONDS : DEFAULT_TIMEOUT_SECONDS;
}
