import { requestOf, sha256 } from './launch-intent';
import type { SandboxRecord } from './sandbox-record';
import type { PoolConfiguration } from '../../src/contract/pool';

/** What a pool starts microVMs with: its keeper may end, and ask again for, nothing else. */
export interface PoolStart {
  readonly imageArn: string;
  readonly connectorArns: readonly string[];
  readonly executionRoleArn: string | null;
}

export function startOf(configuration: PoolConfiguration): PoolStart {
  const { imageArn, ingressConnectorArns, egressConnectorArns, executionRoleArn } = configuration;
  return { imageArn, connectorArns: [...ingressConnectorArns, ...egressConnectorArns], executionRoleArn };
}

/** Names a start in the table. */
export function fingerprintOf({ imageArn, connectorArns, executionRoleArn }: PoolStart): string {
  return sha256(JSON.stringify([imageArn, connectorArns, executionRoleArn]));
}

/** Whether the pool started it from another image. */
export function isOfOtherImage({ launch }: SandboxRecord, { imageArn }: Pick<PoolStart, 'imageArn'>): boolean {
  return launch !== undefined && requestOf(launch).imageIdentifier !== imageArn;
}

/** Whether to ask for its launch again takes a role or a connector that the pool has no longer. */
export function passesOthers({ launch }: SandboxRecord, { connectorArns, executionRoleArn }: PoolStart): boolean {
  if (launch === undefined) return false;
  const { ingressNetworkConnectors, egressNetworkConnectors, executionRoleArn: role } = requestOf(launch);
  return (role !== undefined && role !== executionRoleArn)
    || [...ingressNetworkConnectors, ...egressNetworkConnectors].some((arn) => !connectorArns.includes(arn));
}
