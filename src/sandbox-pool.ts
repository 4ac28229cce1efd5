import type { IResource } from 'aws-cdk-lib';
import { Resource, Stack, Token } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { POOL_METRICS, POOL_VARIABLE } from './contract/pool';
import type { PoolNetworkPolicy } from './pool-network-policy';
import { IngressPolicy } from './pool-network-policy';
import { AllocatorFunction } from './private/allocator-function';
import { checkPoolImage, checkPoolProps, warnOfPool } from './private/check-pool';
import { allowLogs, resolveKey } from './private/encryption';
import { defaultImageName } from './private/image-name';
import { injectedProps } from './private/injected-props';
import { KeeperFunction } from './private/keeper-function';
import type { ManagedPool } from './private/manage-grant';
import { grantManage } from './private/manage-grant';
import type { MicrovmStart } from './private/microvm-statements';
import { warnOfRegion } from './private/network/regions';
import { poolConfiguration } from './private/pool-configuration';
import { adaptImage, arnOfImage, nameOfImage } from './private/pool-image';
import { checkIngressOfImage, ingressConnectorArns, ingressOf } from './private/pool-ingress';
import { poolMetric } from './private/pool-metrics';
import { PoolResource } from './private/pool-resource';
import { createPoolTable } from './private/pool-table';
import { createSandboxLogs } from './private/sandbox-logs';
import { grantUse } from './private/use-grant';
import type { ISandboxImage } from './sandbox-image';
import { SandboxNetwork } from './sandbox-network';
import type { SandboxPoolProps } from './sandbox-pool-props';
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
   *
   * A principal of another account is let in by the allocator's own policy, too. Whoever imports a pool cannot change that policy: a
   * warning says what its stack has to grant.
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

abstract class SandboxPoolBase extends Resource implements ISandboxPool {
  public abstract readonly allocatorArn: string;

  public abstract grantUse(grantee: iam.IGrantable): iam.Grant;

  public connect(fn: lambda.Function): void {
    this.grantUse(fn);
    fn.addEnvironment(POOL_VARIABLE, this.allocatorArn);
  }
}

/**
 * Gives out sandboxes of one image, on one network, within one limit. IAM is the authentication: see `grantUse` and `connect`.
 *
 * Costs next to nothing while there are no sandboxes. When it leaves its stack, its sandboxes are ended first.
 *
 * @resource Custom::MicrovmSandboxPool
 */
export class SandboxPool extends SandboxPoolBase {
  /** Id under which property injectors are found. */
  public static readonly PROPERTY_INJECTION_ID: string = 'cdk-microvm-sandbox.SandboxPool';

  /** Use a pool of another stack or app. */
  public static fromSandboxPoolAttributes(scope: Construct, id: string, attrs: SandboxPoolAttributes): ISandboxPool {
    if (!Token.isUnresolved(attrs.allocatorArn) && !/^arn:[^:]+:lambda:[^:]*:[^:]*:function:[^:]+$/.test(attrs.allocatorArn)) {
      throw new ValidationError(
        `allocatorArn: '${attrs.allocatorArn}' is not the ARN of a function; it is what allocatorArn of the pool says`, scope,
      );
    }
    class Import extends SandboxPoolBase {
      public readonly allocatorArn = attrs.allocatorArn;
      public grantUse(grantee: iam.IGrantable): iam.Grant {
        return grantUse(this, grantee);
      }
    }
    return new Import(scope, id, { environmentFromArn: attrs.allocatorArn });
  }

  public readonly allocatorArn: string;
  /** What the pool's metrics carry in their dimension `PoolName`. */
  public readonly poolName: string;
  /** What sandboxes start from. */
  public readonly image: ISandboxImage;
  /** The list of sandboxes. Only the allocator and the keeper may write to it. */
  public readonly table: dynamodb.ITable;
  /** Gives sandboxes out. */
  public readonly allocator: lambda.IFunction;
  /** Ends sandboxes whose lease ended, and what was left behind. */
  public readonly keeper: lambda.IFunction;
  /** Output of the sandboxes; undefined without an execution role. */
  public readonly logGroup?: logs.ILogGroup;

  private readonly network: ReturnType<SandboxNetwork['_bind']>;
  private readonly ingress: IngressPolicy;
  private readonly managed: ManagedPool;

  constructor(scope: Construct, id: string, props: SandboxPoolProps = {}) {
    super(scope, id);
    props = injectedProps({ scope, id, uniqueId: SandboxPool.PROPERTY_INJECTION_ID }, props);
    checkPoolProps(this, props);

    this.poolName = defaultImageName(this);
    this.image = adaptImage(this, props);
    checkPoolImage(this, this.image, this.env);
    checkIngressOfImage(this, this.image, props);
    warnOfPool(this, this.image, props);
    warnOfRegion(this);

    const encryptionKey = props.encryptionKey && resolveKey(this, props.encryptionKey);
    if (encryptionKey !== undefined) allowLogs(this, encryptionKey);
    const logRetention = props.logRetention ?? logs.RetentionDays.TWO_WEEKS;
    const { executionRole } = props;
    this.table = createPoolTable(this, 'Table', { removalPolicy: props.removalPolicy, encryptionKey });
    this.logGroup = executionRole && createSandboxLogs(this, { executionRole, retention: logRetention, encryptionKey });
    this.network = (props.network ?? SandboxNetwork.internet())._bind(this);
    this.ingress = ingressOf(props);

    const start = this.startOf(props);
    const configuration = Stack.of(this).toJsonString(poolConfiguration(this, start, props));
    const functionProps = { configuration, table: this.table, start, logRetention, encryptionKey };
    const allocator = new AllocatorFunction(this, 'Allocator', functionProps);
    const keeper = new KeeperFunction(this, 'Keeper', functionProps);
    const resource = new PoolResource(this, 'Resource', { keeper, logGroup: keeper.logGroup, start, encryptionKey });
    // A dependency on an image of another stack is one on that stack; within the stack the keeper's rights name the image. What is imported
    // by a literal ARN is nowhere made.
    const isMadeElsewhere = Stack.of(this.image) !== Stack.of(this) && Token.isUnresolved(this.image.imageArn);
    if (isMadeElsewhere) resource.node.addDependency(this.image);
    // Updated after the allocator: nothing of a former image is started any more when its sandboxes are ended. So it is deleted before
    // the allocator, too, which a closed table keeps from starting anything.
    resource.node.addDependency(allocator);
    keeper.schedule.node.addDependency(resource);

    this.allocator = allocator;
    this.keeper = keeper;
    this.allocatorArn = allocator.functionArn;
    this.managed = {
      scope: this,
      imageArn: start.imageArn,
      table: this.table,
      allocatorArn: this.allocatorArn,
      logGroups: [allocator.logGroup, keeper.logGroup, ...this.logGroup === undefined ? [] : [this.logGroup]],
      encryptionKey,
      shellAccess: this.ingress === IngressPolicy.HTTP_AND_SHELL,
    };
  }

  /** What sandboxes of this pool reach, and what reaches them. */
  public get networkPolicy(): PoolNetworkPolicy {
    const { egress, allowedDomains, enforcedBy } = this.network.policy;
    return { egress, allowedDomains, enforcedBy, ingress: this.ingress };
  }

  public grantUse(grantee: iam.IGrantable): iam.Grant {
    return grantUse(this, grantee, this.allocator);
  }

  /**
   * Allows to operate the pool: everything that `grantUse` allows, and to read its table, which holds the secrets of the sandboxes, and
   * its logs; to look at, suspend, resume and terminate microVMs of its image, of other pools too; with `shellAccess`, to open root
   * shells in them. `lambda:ListMicrovms` knows no resource: it shows the ids of all microVMs of the account.
   */
  public grantManage(grantee: iam.IGrantable): iam.Grant {
    return grantManage(this.managed, grantee);
  }

  /**
   * A metric of this pool by its name. It has values only for the minutes in which there was something to report.
   *
   * @default - sum over 5 minutes
   */
  public metric(metricName: string, options: cloudwatch.MetricOptions = {}): cloudwatch.Metric {
    return poolMetric(this.poolName, metricName, { statistic: 'Sum', ...options });
  }

  /**
   * Sandboxes that were created. One that is found by its key was not.
   *
   * @default - sum over 5 minutes
   */
  public metricCreated(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(POOL_METRICS.created, options);
  }

  /**
   * Milliseconds that the allocator took to create a sandbox.
   *
   * @default - average over 5 minutes
   */
  public metricCreateDuration(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(POOL_METRICS.createDuration, { statistic: 'Average', ...options });
  }

  /**
   * Creations that were refused or failed, whatever the reason.
   *
   * @default - sum over 5 minutes
   */
  public metricCreateFailed(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(POOL_METRICS.createFailed, options);
  }

  /**
   * Creations refused because `maxSandboxes` of them live.
   *
   * @default - sum over 5 minutes
   */
  public metricExhausted(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(POOL_METRICS.exhausted, options);
  }

  /**
   * Creations refused by a quota of the account.
   *
   * @default - sum over 5 minutes
   */
  public metricQuotaExceeded(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(POOL_METRICS.quotaExceeded, options);
  }

  /**
   * Sandboxes that live, suspended ones included. Has no values while there are none.
   *
   * @default - maximum over 5 minutes
   */
  public metricLive(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(POOL_METRICS.live, { statistic: 'Maximum', ...options });
  }

  /**
   * Sandboxes that the keeper ended because their lease did.
   *
   * @default - sum over 5 minutes
   */
  public metricExpired(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(POOL_METRICS.expired, options);
  }

  /**
   * Launches that nobody completed, cleaned up by the keeper.
   *
   * @default - sum over 5 minutes
   */
  public metricAbandoned(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(POOL_METRICS.abandoned, options);
  }

  /**
   * Sandboxes that a pass of the keeper could not end. The next pass, a minute later, tries again; worth an alarm if it goes on.
   *
   * @default - sum over 5 minutes
   */
  public metricReapFailed(options?: cloudwatch.MetricOptions): cloudwatch.Metric {
    return this.metric(POOL_METRICS.reapFailed, options);
  }

  private startOf(props: SandboxPoolProps): MicrovmStart {
    return {
      imageArn: arnOfImage(this, this.image),
      imageName: nameOfImage(this.image, props),
      ingressConnectorArns: ingressConnectorArns(this, this.ingress),
      egressConnectorArns: this.network.egressConnectorArns,
      executionRoleArn: props.executionRole?.roleRef.roleArn,
    };
  }
}
