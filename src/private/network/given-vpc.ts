import type { Stack } from 'aws-cdk-lib';
import { Annotations, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { checkEnvironment } from './environment';
import { hasUnsupportedZones, UNSUPPORTED_ZONE_IDS } from './zones';
import { ValidationError } from '../../validation-error';

const MAX_SUBNETS = 16;

/** A VPC that the user brings, and where in it. */
export interface GivenVpc {
  readonly vpc: ec2.IVpc;
  readonly subnets?: ec2.SubnetSelection;
}

/** The subnets for a connector of this stack: what the platform refuses is refused, left out or warned of. */
export function subnetsFor(stack: Stack, { vpc, subnets }: GivenVpc): ec2.SubnetSelection | undefined {
  checkEnvironment('vpc', vpc, stack);
  const selected = vpc.selectSubnets(subnets);
  const supported = selected.subnets.filter((subnet) => !UNSUPPORTED_ZONE_IDS.includes(zoneIdOf(subnet) ?? ''));
  const leftOut = selected.subnets.length - supported.length;
  if (leftOut > 0 && (subnets !== undefined || supported.length === 0)) throw unsupported(stack);
  const count = Token.isUnresolved(selected.subnetIds) ? undefined : supported.length;
  if (count !== undefined && (count < 1 || count > MAX_SUBNETS)) {
    throw new ValidationError(`subnets: selects ${count}, allowed are 1 to ${MAX_SUBNETS}; choose others with subnets`, stack);
  }
  if (!isPrecise(subnets) && supported.some((subnet) => zoneIdOf(subnet) === undefined)) warnOfZones(stack);
  return leftOut > 0 ? { subnets: supported } : subnets;
}

/** The id of a subnet's zone, where the code knows it: the name alone does not tell. */
function zoneIdOf(subnet: ec2.ISubnet): string | undefined {
  const resource = subnet.node.defaultChild;
  if (!(resource instanceof ec2.CfnSubnet) || Token.isUnresolved(resource.availabilityZoneId)) return undefined;
  return resource.availabilityZoneId;
}

function unsupported(stack: Stack): ValidationError {
  return new ValidationError(
    `subnets: a subnet in ${UNSUPPORTED_ZONE_IDS.join(', ')} is among them, a zone that Lambda MicroVMs are not in; `
    + 'choose subnets of other zones', stack,
  );
}

/** Whether the user has said which zones, and not only which kind of subnet. */
function isPrecise(subnets: ec2.SubnetSelection | undefined): boolean {
  return (subnets?.subnets ?? subnets?.subnetFilters ?? subnets?.availabilityZones) !== undefined;
}

function warnOfZones(stack: Stack): void {
  if (!hasUnsupportedZones(stack.region)) return;
  Annotations.of(stack).addWarningV2(
    'cdk-microvm-sandbox:unsupportedZone',
    `subnets: Lambda MicroVMs are not in every availability zone, as in ${UNSUPPORTED_ZONE_IDS.join(', ')}; with a subnet there the `
    + 'deployment fails. Which name that zone has differs from account to account: `aws ec2 describe-availability-zones` tells. '
    + 'Name the subnets to use, as in `subnets: { availabilityZones: [...] }`.',
  );
}
