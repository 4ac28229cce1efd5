import { Stack } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { FixedEgress } from './egress';
import { checkEnvironment } from './environment';
import type { NetworkPolicy } from '../../network-policy';
import { EgressPolicy } from '../../network-policy';

/** A connector that somebody else made, and looks after. */
export class ImportedEgress implements FixedEgress {
  public readonly fixedBecause = 'SandboxNetwork.fromNetworkConnector() takes a connector as it is; open its security groups where they '
    + 'are made, or use SandboxNetwork.vpc()';

  constructor(private readonly connector: lambda.INetworkConnectorRef) {}

  public bind(user: Construct): string[] {
    checkEnvironment('connector', this.connector, Stack.of(user));
    return [this.connector.networkConnectorRef.networkConnectorArn];
  }

  public policy(): NetworkPolicy {
    return { egress: EgressPolicy.UNKNOWN, enforcedBy: 'the security groups and the VPC of a connector that was made elsewhere' };
  }
}
