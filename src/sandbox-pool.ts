import type { IResource } from 'aws-cdk-lib';
import { Annotations, Duration, RemovalPolicy, Resource, Stack, Token } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { PoolConfiguration } from './contract/pool';
import { POOL_TABLE, POOL_VARIABLE } from './contract/pool';
import { DAEMON_PORT, HOOK_PORT } from './contract/runtime';
import { IdlePolicy } from './idle-policy';
import { AllocatorFunction } from './private/allocator-function';
import { checkDuration } from './private/check-duration';
import { checkInteger } from './private/check-integer';
import { KeeperFunction } from './private/keeper-function';
import { managedConnectorArn } from './private/managed-connector';
import type { MicrovmStart } from './private/microvm-statements';
import { acknowledge, acknowledgeLogGroup, LIST_OF_SANDBOXES } from './private/nag-suppressions';
import type { ISandboxImage } from './sandbox-image';
import { SandboxImage } from './sandbox-image';
import { SandboxNetwork } from './sandbox-network';
import { ValidationError } from './validation-error';

/** A pool that gives out sandboxes. */
export interface ISandboxPool extends IResource {
  /**
   * ARN of the pool's allocator: what a client needs to know of the pool.
   * @attribute
   */
  readonly allocatorArn: string;

  /**
   * Allows to use the pool: to create sandboxes and to do anything with any sandbox of the pool. Nothing else is needed, no right on
   * microVMs in particular.
   */
  grantUse(grantee: iam.IGrantable): iam.Grant;

  /** Lets a function use the pool: grants it, and sets `SANDBOX_POOL` in its environment, where the client looks. */
  connect(fn: lambda.Function): void;
}

/** A pool that exists already. */
export interface SandboxPoolAttributes {
  /** ARN of the pool's allocator. */
  readonly allocatorArn: string;
}

/** What sandboxes are made from, and their limits. */
export interface SandboxPoolProps {
  /**
   * What sandboxes start from. A new version of it is for new sandboxes; those that live keep theirs. Another image in its place cuts
   * the sandboxes of the former off.
   *
   * @default - a new image of `ImageSource.sandbox()`
   */
  readonly image?: ISandboxImage;

  /**
   * What sandboxes can reach.
   *
   * @default SandboxNetwork.internet()
   */
  readonly network?: SandboxNetwork;

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
   * @default IdlePolicy.suspendAfter(Duration.minutes(5))
   */
  readonly idlePolicy?: IdlePolicy;

  /**
   * Role of the sandboxes. Any code in a sandbox can act as this role, so give it only what you would give to a stranger. It must trust
   * `lambda.amazonaws.com` with `sts:AssumeRole` and `sts:TagSession`; the right to write the sandboxes' log is added to it.
   *
   * @default - none: code in a sandbox has no AWS credentials, and its output is not logged
   */
  readonly executionRole?: iam.IRole;

  /**
   * What becomes of the pool's table when it leaves the stack. It holds nothing but the list of sandboxes.
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

abstract class SandboxPoolBase extends Resource implements ISandboxPool {
  public abstract readonly allocatorArn: string;

  public grantUse(grantee: iam.IGrantable): iam.Grant {
    return iam.Grant.addToPrincipal({ grantee, actions: ['lambda:InvokeFunction'], resourceArns: [this.allocatorArn] });
  }

  public connect(fn: lambda.Function): void {
    this.grantUse(fn);
    fn.addEnvironment(POOL_VARIABLE, this.allocatorArn);
  }
}

/**
 * Gives out sandboxes of one image, on one network, within one limit. IAM is the authentication: see `grantUse` and `connect`.
 *
 * Costs next to nothing while there are no sandboxes.
 */
export class SandboxPool extends SandboxPoolBase {
  /** Use a pool of another stack or app. */
  public static fromSandboxPoolAttributes(scope: Construct, id: string, attrs: SandboxPoolAttributes): ISandboxPool {
    if (!Token.isUnresolved(attrs.allocatorArn) && !/^arn:[^:]+:lambda:[^:]*:[^:]*:function:[^:]+$/.test(attrs.allocatorArn)) {
      throw new ValidationError(
        `allocatorArn: '${attrs.allocatorArn}' is not the ARN of a function; it is what allocatorArn of the pool says`, scope,
      );
    }
    class Import extends SandboxPoolBase {
      public readonly allocatorArn = attrs.allocatorArn;
    }
    return new Import(scope, id, { environmentFromArn: attrs.allocatorArn });
  }

  public readonly allocatorArn: string;
  /** What sandboxes start from. */
  public readonly image: ISandboxImage;
  /** The list of sandboxes. Only the allocator and the keeper may write to it. */
  public readonly table: dynamodb.ITable;
  /** Gives sandboxes out. */
  public readonly allocator: lambda.IFunction;
  /** Ends sandboxes whose lease ended, and what was left behind. */
  public readonly keeper: lambda.IFunction;

  constructor(scope: Construct, id: string, props: SandboxPoolProps = {}) {
    super(scope, id);
    validateProps(this, props);

    this.image = props.image ?? new SandboxImage(this, 'Image');
    validateImage(this);
    warn(this, props);
    this.table = createTable(this, props);
    const start = this.startOf(props);
    const logRetention = props.logRetention ?? logs.RetentionDays.TWO_WEEKS;
    const configuration = Stack.of(this).toJsonString(this.configuration(start, props));
    const functionProps = { configuration, table: this.table, start, logRetention };
    this.allocator = new AllocatorFunction(this, 'Allocator', functionProps);
    this.keeper = new KeeperFunction(this, 'Keeper', functionProps);
    this.allocatorArn = this.allocator.functionArn;
  }

  private startOf(props: SandboxPoolProps): MicrovmStart {
    return {
      imageArn: this.image.imageArn,
      ingressConnectorArns: [managedConnectorArn(this, 'HTTP_INGRESS')],
      egressConnectorArns: (props.network ?? SandboxNetwork.internet())._bind(this).egressConnectorArns,
      executionRole: props.executionRole,
    };
  }

  private configuration(start: MicrovmStart, props: SandboxPoolProps): PoolConfiguration {
    const { image } = this;
    return {
      tableName: this.table.tableName,
      imageArn: image.imageArn,
      imageVersion: image.imageVersion,
      daemonPort: image.daemonPort ?? null,
      hookPort: image.hookPort ?? null,
      executionRoleArn: start.executionRole?.roleArn ?? null,
      logGroupName: createSandboxLogs(this, props)?.logGroupName ?? null,
      ingressConnectorArns: start.ingressConnectorArns,
      egressConnectorArns: start.egressConnectorArns,
      maxSandboxes: props.maxSandboxes ?? DEFAULT_MAX_SANDBOXES,
      defaultLeaseMs: (props.defaultTimeout ?? DEFAULT_LEASE).toMilliseconds(),
      idle: (props.idlePolicy ?? DEFAULT_IDLE_POLICY)._render(),
    };
  }
}

const DEFAULT_MAX_SANDBOXES = 10;
const DEFAULT_LEASE = Duration.minutes(15);
const DEFAULT_IDLE_POLICY = IdlePolicy.suspendAfter(Duration.minutes(5));
const LEASE_SECONDS = { minSeconds: 60, maxSeconds: 8 * 3600 };

function validateProps(pool: SandboxPool, props: SandboxPoolProps): void {
  const { maxSandboxes, defaultTimeout } = props;
  checkInteger(maxSandboxes, { name: 'maxSandboxes', min: 1 }, pool);
  if (defaultTimeout !== undefined) checkDuration(defaultTimeout, { name: 'defaultTimeout', ...LEASE_SECONDS }, pool);
}

function validateImage(pool: SandboxPool): void {
  const { image, env: { region, account } } = pool;
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

function warn(pool: SandboxPool, props: SandboxPoolProps): void {
  if (props.executionRole !== undefined) {
    Annotations.of(pool).addWarningV2(
      'cdk-microvm-sandbox:executionRole',
      'executionRole: any code in a sandbox can act as this role. Grant it only what you would give to a stranger.',
    );
  }
  if (pool.image instanceof SandboxImage && Stack.of(pool.image) !== Stack.of(pool)) {
    Annotations.of(pool).addWarningV2(
      'cdk-microvm-sandbox:imageOfOtherStack',
      'image: is built in another stack, and CloudFormation refuses to change what it exports while this stack imports it: the next '
      + 'version cannot be deployed. Put image and pool into one stack.',
    );
  }
}

function createTable(pool: SandboxPool, props: SandboxPoolProps): dynamodb.Table {
  const table = new dynamodb.Table(pool, 'Table', {
    partitionKey: { name: POOL_TABLE.partitionKey, type: dynamodb.AttributeType.STRING },
    sortKey: { name: POOL_TABLE.sortKey, type: dynamodb.AttributeType.STRING },
    timeToLiveAttribute: POOL_TABLE.timeToLive,
    billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
    removalPolicy: props.removalPolicy ?? RemovalPolicy.DESTROY,
  });
  acknowledge(table, LIST_OF_SANDBOXES);
  return table;
}

/** The platform writes a microVM's output as the microVM's role, so without one there is nowhere to write. */
function createSandboxLogs(pool: SandboxPool, props: SandboxPoolProps): logs.LogGroup | undefined {
  const { executionRole, logRetention } = props;
  if (executionRole === undefined) return undefined;
  const logGroup = new logs.LogGroup(pool, 'SandboxLogs', {
    retention: logRetention ?? logs.RetentionDays.TWO_WEEKS,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  acknowledgeLogGroup(logGroup);
  logGroup.grantWrite(executionRole);
  return logGroup;
}
