import type { Construct } from 'constructs';
import { managedConnectorArn } from '../managed-connector';
import type { FixedEgress } from './egress';
import type { NetworkPolicy } from '../../network-policy';
import { EgressPolicy } from '../../network-policy';

/** The platform's own way out. */
export class InternetEgress implements FixedEgress {
  public readonly fixedBecause = 'SandboxNetwork.internet() has no security group and cannot be narrowed; use SandboxNetwork.vpc()';

  public bind(user: Construct): string[] {
    return [managedConnectorArn(user, 'INTERNET_EGRESS')];
  }

  public policy(): NetworkPolicy {
    return { egress: EgressPolicy.INTERNET, enforcedBy: 'nothing: any address is reached over TCP' };
  }
}
