import { Annotations, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { checkDuration } from './check-duration';
import { checkInteger } from './check-integer';
import { checkIngress, warnOfIdleness } from './pool-ingress';
import { DAEMON_PORT, HOOK_PORT } from '../contract/runtime';
import type { ISandboxImage } from '../sandbox-image';
import type { SandboxPoolProps } from '../sandbox-pool-props';
import { ValidationError } from '../validation-error';

const LEASE_SECONDS = { minSeconds: 60, maxSeconds: 8 * 3600 };

/** Refuses props before anything is created. */
export function checkPoolProps(pool: Construct, props: SandboxPoolProps): void {
  checkInteger(props.maxSandboxes, { name: 'maxSandboxes', min: 1 }, pool);
  if (props.defaultTimeout !== undefined) checkDuration(props.defaultTimeout, { name: 'defaultTimeout', ...LEASE_SECONDS }, pool);
  checkIngress(pool, props);
}

export interface Place {
  readonly account: string;
  readonly region: string;
}

/** Refuses an image that could not be started, or would give its hooks to whoever uses a sandbox. */
export function checkPoolImage(pool: Construct, image: ISandboxImage, { account, region }: Place): void {
  // Whoever reaches the hooks could start the daemon anew, and the default port is in the token of every sandbox.
  if (image.hookPort !== undefined && image.hookPort === (image.daemonPort ?? DAEMON_PORT)) {
    throw new ValidationError(
      `image: its hooks are on port ${image.hookPort}, which is open to whoever uses a sandbox; answer them on another port, like ${HOOK_PORT}`, pool,
    );
  }
  const differs = (its: string, ours: string) => !Token.isUnresolved(its) && !Token.isUnresolved(ours) && its !== ours;
  if (differs(image.env.region, region) || differs(image.env.account, account)) {
    throw new ValidationError(
      `image: is in ${image.env.region} of account ${image.env.account}, the pool in ${region} of account ${account}; `
      + 'the platform starts images of its own account and Region only', pool,
    );
  }
}

export function warnOfPool(pool: Construct, image: ISandboxImage, props: SandboxPoolProps): void {
  if (props.executionRole !== undefined) {
    Annotations.of(pool).addWarningV2(
      'cdk-microvm-sandbox:executionRole',
      'executionRole: any code in a sandbox can act as this role. Grant it only what you would give to a stranger.',
    );
  }
  warnOfHooks(pool, image);
  warnOfIdleness(pool, props);
}

/** An image of the runtime that says nothing of its hooks was imported: those that are built here name their port. */
function warnOfHooks(pool: Construct, image: ISandboxImage): void {
  if (image.daemonPort === undefined || image.hookPort !== undefined) return;
  Annotations.of(pool).addWarningV2(
    'cdk-microvm-sandbox:runtimeWithoutHooks',
    'image: was imported with a daemonPort and without a hookPort. The sandbox runtime takes no command before the /run hook has reached it, '
    + 'and the platform starts no sandbox of it without that hook. If the image has its hooks, whoever uses a sandbox can open their port and call '
    + `them, until it is named. Import it with hookPort: ${HOOK_PORT}, which is where our runtime answers them.`,
  );
}
