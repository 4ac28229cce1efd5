import { invalid, ServiceError } from './errors';

/** Where the service runs, and for whom. */
export interface Place {
  readonly account: string;
  readonly region: string;
}

export const MANAGED_CONNECTORS = ['ALL_INGRESS', 'HTTP_INGRESS', 'SHELL_INGRESS', 'NO_INGRESS', 'INTERNET_EGRESS'] as const;
export type ManagedConnector = (typeof MANAGED_CONNECTORS)[number];

export function imageArn(place: Place, name: string): string {
  return `arn:aws:lambda:${place.region}:${place.account}:microvm-image:${name}`;
}

export function connectorArn(place: Place, name: ManagedConnector): string {
  return `arn:aws:lambda:${place.region}:aws:network-connector:aws-network-connector:${name}`;
}

/** Refuses a managed connector that does not exist. The account's own connectors are taken as they are. */
export function assertConnectors(place: Place, arns: readonly string[]): void {
  const known: string[] = MANAGED_CONNECTORS.map((name) => connectorArn(place, name));
  for (const arn of arns) {
    const managed = arn.includes(':aws:network-connector:');
    if (managed && !known.includes(arn)) throw invalid(`Unrecognized managed network connector ARN: ${arn}`);
  }
}

/** The image's name; the service takes nothing but this account's full ARN, and words the refusal differently for RunMicrovm. */
export function parseImageArn(place: Place, identifier: string, operation: 'image' | 'run'): string {
  if (!identifier.startsWith('arn:')) {
    throw invalid(operation === 'run' ? 'Malformed ARN - doesn\'t start with \'arn:\'' : `Invalid ARN format: ${identifier}`);
  }
  const name = identifier.slice(imageArn(place, '').length);
  if (identifier === imageArn(place, name) && /^[a-zA-Z0-9-_]+$/.test(name)) return name;
  throw new ServiceError('AccessDeniedException', `User is not authorized to access resource: ${identifier}`);
}
