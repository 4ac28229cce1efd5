import { invalid, ServiceError } from './errors';
import type { ConnectorDirectory } from '../../api';

/** Where the service runs, and for whom. */
export interface Place {
  readonly account: string;
  readonly region: string;
}

const MANAGED_CONNECTORS = ['ALL_INGRESS', 'HTTP_INGRESS', 'SHELL_INGRESS', 'NO_INGRESS', 'INTERNET_EGRESS'] as const;
export type ManagedConnector = (typeof MANAGED_CONNECTORS)[number];

export function imageArn(place: Place, name: string): string {
  return `arn:aws:lambda:${place.region}:${place.account}:microvm-image:${name}`;
}

export function connectorArn(place: Place, name: ManagedConnector): string {
  return `arn:aws:lambda:${place.region}:aws:network-connector:aws-network-connector:${name}`;
}

/** The host name of an endpoint. */
export function endpointHost(place: Place, endpointId: string): string {
  return `${endpointId}.lambda-microvm.${place.region}.on.aws`;
}

/** Refuses a managed connector that does not exist, and one of the account's own that is not there or cannot be used. */
export function assertConnectors(place: Place, arns: readonly string[], own: ConnectorDirectory | undefined): void {
  const known: string[] = MANAGED_CONNECTORS.map((name) => connectorArn(place, name));
  for (const arn of arns) {
    const managed = arn.includes(':aws:network-connector:');
    if (managed && !known.includes(arn)) throw invalid(`Unrecognized managed network connector ARN: ${arn}`);
    if (!managed && own) assertUsable(place, arn, own);
  }
}

function assertUsable(place: Place, arn: string, own: ConnectorDirectory): void {
  if (!arn.startsWith(`arn:aws:lambda:${place.region}:${place.account}:network-connector:`)) {
    throw invalid(`Invalid network connector ARN: ${arn}`);
  }
  const state = own.stateOf(arn);
  if (state === undefined) throw invalid(`Network connector not found: ${arn}`);
  if (state !== 'ACTIVE') throw invalid(`Network connector ${arn} is not in the ACTIVE state. Current state: ${state}`);
}

/** What the parser of RunMicrovm misses in an ARN that has this many parts. */
const MISSING_PART = [
  'doesn\'t start with \'arn:\'', 'no AWS partition specified', 'no service specified', 'no AWS region partition specified',
  'no AWS account specified', 'no resource specified',
];

/** The image's name; the service takes nothing but this account's full ARN, and words the refusal differently for RunMicrovm. */
export function parseImageArn(place: Place, identifier: string, operation: 'image' | 'run'): string {
  const parts = identifier.startsWith('arn:') ? identifier.split(':').length : 0;
  if (parts < 6) {
    throw invalid(operation === 'run' ? `Malformed ARN - ${MISSING_PART[Math.max(0, parts - 1)]}` : `Invalid ARN format: ${identifier}`);
  }
  const name = identifier.slice(imageArn(place, '').length);
  if (identifier === imageArn(place, name) && /^[a-zA-Z0-9-_]+$/.test(name)) return name;
  throw new ServiceError('AccessDeniedException', `User is not authorized to access resource: ${identifier}`);
}
