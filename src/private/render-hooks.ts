import { Duration, Tokenization } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { checkDuration } from './check-duration';
import { checkPort } from './check-port';
import type { ImageHooksProperties } from '../contract/image';
import { HOOK_PORT } from '../contract/runtime';
import type { ImageHook, ImageHooks } from '../image-hooks';
import { ValidationError } from '../validation-error';

type HookName = Exclude<keyof ImageHooks, 'port'>;

// The platform's own defaults are 1 second for most hooks, and sources disagree on the rest: none is ever left to it.
const BUILD_HOOK = { defaultTimeout: Duration.minutes(5), maxSeconds: 3600 };
const RUNTIME_HOOK = { defaultTimeout: Duration.seconds(10), maxSeconds: 60 };

const RUNTIME_HOOKS = ['run', 'resume', 'suspend', 'terminate'] as const;

/** Checks the hooks and turns them into properties of the image resource. */
export function renderHooks(scope: IConstruct, hooks: ImageHooks): ImageHooksProperties {
  checkHooks(scope, hooks);
  const timeout = (name: HookName, kind: typeof BUILD_HOOK) => renderTimeout(scope, name, hooks[name], kind);
  return {
    Port: Tokenization.stringifyNumber(hookPort(hooks)),
    Ready: timeout('ready', BUILD_HOOK),
    Validate: timeout('validate', BUILD_HOOK),
    Run: timeout('run', RUNTIME_HOOK),
    Resume: timeout('resume', RUNTIME_HOOK),
    Suspend: timeout('suspend', RUNTIME_HOOK),
    Terminate: timeout('terminate', RUNTIME_HOOK),
  };
}

export function hookPort(hooks: ImageHooks): number {
  return hooks.port ?? HOOK_PORT;
}

function checkHooks(scope: IConstruct, hooks: ImageHooks): void {
  const { port, ready, validate } = hooks;
  checkPort(port, 'hooks.port', scope);
  const runtimeHook = RUNTIME_HOOKS.find((name) => hooks[name] !== undefined);
  if (runtimeHook !== undefined && ready === undefined) {
    throw new ValidationError(
      `hooks.${runtimeHook}: the platform calls it only for an image that has the ready hook; add hooks.ready`, scope,
    );
  }
  if (runtimeHook === undefined && ready === undefined && validate === undefined) {
    throw new ValidationError('hooks: switches no hook on; add hooks.ready or leave hooks out', scope);
  }
}

function renderTimeout(
  scope: IConstruct, name: HookName, hook: ImageHook | undefined, kind: typeof BUILD_HOOK,
): string | undefined {
  if (hook === undefined) return undefined;
  const timeout = hook.timeout ?? kind.defaultTimeout;
  checkDuration(timeout, { name: `hooks.${name}.timeout`, minSeconds: 1, maxSeconds: kind.maxSeconds }, scope);
  return Tokenization.stringifyNumber(timeout.toSeconds());
}
