import type { VpcEgress } from './connector-record';
import type { Subnets } from '../ec2/subnets';
import { ServiceError } from '../service-error';

export interface ConnectorInput {
  readonly Name?: unknown;
  readonly OperatorRole?: unknown;
  readonly Configuration?: unknown;
  readonly Tags?: unknown;
  readonly ClientToken?: unknown;
}

const MAX_SUBNETS = 16;
const MAX_SECURITY_GROUPS = 5;
const COMPUTE_TYPES = ['MicroVm', 'WebFunction'];
/** Zones in which MicroVMs have no network interfaces. */
const ZONES_WITHOUT_MICROVMS = ['use1-az3'];

export function invalidConnector(message: string): ServiceError {
  return new ServiceError('InvalidParameterValueException', message);
}

export function readName(name: unknown): string {
  if (typeof name === 'string' && /^[a-zA-Z0-9_-]{1,64}$/.test(name)) return name;
  throw invalidConnector(`Value '${shown(name)}' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]{1,64}`);
}

/** Typed as optional, and refused without by the service. */
export function readOperatorRole(role: unknown): string {
  if (typeof role === 'string' && /^arn:aws:iam::\d{12}:role\/.+$/.test(role)) return role;
  throw invalidConnector(`OperatorRole must be the ARN of a role for VPC egress, got '${shown(role)}'`);
}

export function readTags(tags: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries((tags ?? {}) as object);
  if (entries.every(([, value]) => typeof value === 'string')) return Object.fromEntries(entries) as Record<string, string>;
  throw invalidConnector('Tags must be strings');
}

/** Checks where a connector is to lead. Subnets that no stack here has made are taken as they are. */
export function readConfiguration(configuration: unknown, subnets: Subnets): VpcEgress {
  const given = membersOf(membersOf(configuration).VpcEgressConfiguration);
  const { NetworkProtocol, AssociatedComputeResourceTypes } = given;
  const SubnetIds = ids(given.SubnetIds, 'SubnetIds', MAX_SUBNETS);
  const SecurityGroupIds = ids(given.SecurityGroupIds, 'SecurityGroupIds', MAX_SECURITY_GROUPS);
  if (NetworkProtocol !== 'IPv4' && NetworkProtocol !== 'DualStack') {
    throw invalidConnector(`NetworkProtocol must be IPv4 or DualStack, got '${shown(NetworkProtocol)}'`);
  }
  const types = AssociatedComputeResourceTypes;
  if (!Array.isArray(types) || types.length !== 1 || !COMPUTE_TYPES.includes(String(types[0]))) {
    throw invalidConnector(`AssociatedComputeResourceTypes must be one of ${COMPUTE_TYPES.join(', ')}, got '${shown(types)}'`);
  }
  checkSubnets(SubnetIds, String(types[0]), subnets);
  return { SubnetIds, SecurityGroupIds, NetworkProtocol, AssociatedComputeResourceTypes: [String(types[0])] };
}

function checkSubnets(subnetIds: readonly string[], computeType: string, subnets: Subnets): void {
  const known = subnetIds.flatMap((id) => subnets.find(id) ?? []);
  for (const { availabilityZoneId: zone } of known) {
    if (computeType === 'MicroVm' && ZONES_WITHOUT_MICROVMS.includes(zone)) {
      throw invalidConnector(`Availability zone ${zone} is not available for compute type ${computeType}`);
    }
  }
  if (new Set(known.map(({ vpcId }) => vpcId)).size > 1) throw invalidConnector('All subnets of a network connector must be in the same VPC');
}

function ids(value: unknown, name: string, most: number): string[] {
  if (Array.isArray(value) && value.length >= 1 && value.length <= most && value.every((id) => typeof id === 'string' && id !== '')) {
    return value as string[];
  }
  const count = Array.isArray(value) ? value.length : 0;
  throw invalidConnector(`${name} must have 1 to ${most} members, got ${count}`);
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value as Record<string, unknown> : {};
}

/** Cut short: it ends in errors. */
function shown(value: unknown): string {
  return String(value ?? null).slice(0, 128);
}
