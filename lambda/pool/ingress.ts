import type { RunRequest } from './microvms';
import { NO_INGRESS } from '../../src/contract/pool';

const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Whether anything can reach a microVM that was asked for like this. */
export function hasIngress({ ingressNetworkConnectors }: Pick<RunRequest, 'ingressNetworkConnectors'>): boolean {
  return !ingressNetworkConnectors.some((arn) => arn.endsWith(`:${NO_INGRESS}`));
}

/** Stands for the endpoint of a microVM that has none: a host name of the Region that belongs to no microVM. */
export function noHost({ imageIdentifier }: Pick<RunRequest, 'imageIdentifier'>): string {
  const region = imageIdentifier.split(':')[3];
  return `${NOBODY}.lambda-microvm.${region}.on.aws`;
}
