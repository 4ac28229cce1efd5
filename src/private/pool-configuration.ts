import { Duration } from 'aws-cdk-lib';
import type { MicrovmStart } from './microvm-statements';
import { versionOfImage } from './pool-image';
import { ingressOf } from './pool-ingress';
import type { PoolConfiguration } from '../contract/pool';
import { IdlePolicy } from '../idle-policy';
import { IngressPolicy } from '../pool-network-policy';
import type { SandboxPool } from '../sandbox-pool';
import type { SandboxPoolProps } from '../sandbox-pool-props';

const DEFAULT_MAX_SANDBOXES = 10;
const DEFAULT_LEASE = Duration.minutes(15);
const DEFAULT_IDLE_TIME = Duration.minutes(5);

/** What the allocator and the keeper are told. */
export function poolConfiguration(pool: SandboxPool, start: MicrovmStart, props: SandboxPoolProps): PoolConfiguration {
  const { poolName, table, image, logGroup } = pool;
  return {
    poolName,
    tableName: table.tableName,
    imageArn: start.imageArn,
    imageVersion: versionOfImage(pool, image),
    daemonPort: image.daemonPort ?? null,
    hookPort: image.hookPort ?? null,
    executionRoleArn: start.executionRoleArn ?? null,
    logGroupName: logGroup?.logGroupName ?? null,
    ingressConnectorArns: start.ingressConnectorArns,
    egressConnectorArns: start.egressConnectorArns,
    maxSandboxes: props.maxSandboxes ?? DEFAULT_MAX_SANDBOXES,
    defaultLeaseMs: (props.defaultTimeout ?? DEFAULT_LEASE).toMilliseconds(),
    idle: (props.idlePolicy ?? defaultIdlePolicy(props))._render(),
  };
}

/** Where nothing arrives, every sandbox would count as idle from its start. */
function defaultIdlePolicy(props: SandboxPoolProps): IdlePolicy {
  return ingressOf(props) === IngressPolicy.NONE ? IdlePolicy.none() : IdlePolicy.suspendAfter(DEFAULT_IDLE_TIME);
}
