import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type { IdlePolicy } from './idle-policy';
import type { SandboxNetwork } from './sandbox-network';

/** What sandboxes are made from, and their limits. */
export interface SandboxPoolProps {
  /**
   * What sandboxes start from. A new version of it is for new sandboxes; those that live keep theirs. Another image in its place cuts
   * the sandboxes of the former off.
   *
   * A `SandboxImage` of this stack is run in exactly the version that the deployment made. For an image of another stack, or one that
   * names no version, the pool asks for the current version when it starts a sandbox, at most once a minute.
   *
   * @default - a new image of `ImageSource.sandbox()`
   */
  readonly image?: lambda.IMicrovmImageRef;

  /**
   * What sandboxes can reach.
   *
   * @default SandboxNetwork.internet()
   */
  readonly network?: SandboxNetwork;

  /**
   * Whether sandboxes have an endpoint that requests can be sent to. Without one nothing reaches a sandbox: `create` answers it without a
   * token, and it can be listed, extended, paused and killed. Not for images with the sandbox runtime, which takes commands there.
   *
   * @default true
   */
  readonly endpointAccess?: boolean;

  /**
   * Whether a root shell can be opened in a sandbox, through its endpoint. It takes a platform token for the shell, which the pool hands
   * to nobody: `grantManage` allows to make one, and it opens every sandbox of the image that was started with this.
   *
   * @default false
   */
  readonly shellAccess?: boolean;

  /**
   * How many sandboxes may live at a time, suspended ones included. One more is refused with `pool_exhausted`.
   *
   * @default 10
   */
  readonly maxSandboxes?: number;

  /**
   * Lease of a sandbox whose creator names none, from 1 minute to 8 hours. Within a minute after its end the sandbox is gone.
   *
   * @default Duration.minutes(15)
   */
  readonly defaultTimeout?: Duration;

  /**
   * What becomes of a sandbox without traffic.
   *
   * @default - IdlePolicy.suspendAfter(Duration.minutes(5)); without an endpoint, where nothing ever arrives, IdlePolicy.none()
   */
  readonly idlePolicy?: IdlePolicy;

  /**
   * Role of the sandboxes. Any code in a sandbox can act as this role, so give it only what you would give to a stranger. It must trust
   * `lambda.amazonaws.com` with `sts:AssumeRole` and `sts:TagSession`; the right to write the sandboxes' log is added to it.
   *
   * @default - none: code in a sandbox has no AWS credentials, and its output is not logged
   */
  readonly executionRole?: iam.IRoleRef;

  /**
   * Key that encrypts the pool's table, its logs and the environment of its functions, and the image that a pool makes by itself; one that is
   * given has its own. Its policy must let the account's policies decide, as that of a new `kms.Key` does; CloudWatch Logs is added to it.
   * Another key for an existing pool is taken over in place.
   *
   * @default - keys that AWS owns
   */
  readonly encryptionKey?: kms.IKeyRef;

  /**
   * What becomes of the pool's table when it leaves the stack. It holds nothing but the list of sandboxes, which end with the pool.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * How long the logs of the allocator, the keeper and the sandboxes are kept.
   *
   * @default RetentionDays.TWO_WEEKS
   */
  readonly logRetention?: logs.RetentionDays;
}
