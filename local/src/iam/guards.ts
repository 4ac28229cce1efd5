import type { Guard } from '../api';
import type { Clock } from '../clock';
import type { Services } from '../services/services';
import type { MicrovmSources } from './accesses/cloud-sources';
import { cloudSources } from './accesses/cloud-sources';
import { Authentication } from './authentication';
import { AuthorizationGuard } from './authorization-guard';
import { DeploymentRole } from './deployment-role';

export interface IamGuardsOptions {
  readonly account: string;
  readonly region: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly services: Services;
  readonly microvms: MicrovmSources;
}

/** Who calls, and whether they may: the first guards of the gateway. */
export function iamGuards(options: IamGuardsOptions): Guard[] {
  const { iam } = options.services;
  return [
    new Authentication({ ...options, iam }),
    new AuthorizationGuard(iam, cloudSources(options)),
    new DeploymentRole(iam),
  ];
}
