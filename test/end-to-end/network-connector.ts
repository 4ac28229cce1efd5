import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';
import type { LocalCloud } from 'microvm-sandbox-local';
import { accessTo } from './deployed';

/** What the service says of a connector into a VPC. */
export interface VpcConnector {
  readonly Arn: string;
  readonly State: string;
  readonly Configuration: {
    readonly VpcEgressConfiguration: {
      readonly SubnetIds: readonly string[];
      readonly SecurityGroupIds: readonly string[];
    };
  };
}

/** GetNetworkConnector, for which the SDK that is installed has no client. */
export async function vpcConnector(cloud: LocalCloud, arn: string): Promise<VpcConnector> {
  const { endpoint, ...access } = accessTo(cloud);
  const signer = new SignatureV4({ service: 'lambda', sha256: Sha256, ...access });
  const { host, hostname } = new URL(endpoint);
  const path = `/2026-04-04/network-connectors/${encodeURIComponent(arn)}`;
  const { headers } = await signer.sign({ protocol: 'http:', hostname, method: 'GET', path, headers: { host } });
  const answer = await fetch(`${endpoint}${path}`, { headers });
  if (!answer.ok) throw new Error(`GetNetworkConnector ${arn}: ${answer.status} ${await answer.text()}`);
  return answer.json() as Promise<VpcConnector>;
}
