import { zoneIdOf, zoneNameOf } from '../../services/ec2/subnets';
import type { Properties } from '../properties';
import { optionalString, requiredString } from '../properties';
import type { ResourceContext, ResourceType } from '../resource-type';
import { randomId } from './random-id';

/** Known to those who ask in which zone it lies; no network is built. */
export const subnet: ResourceType = {
  createOnly: ['AvailabilityZone', 'AvailabilityZoneId', 'VpcId', 'CidrBlock'],
  create(properties, context) {
    const physicalId = randomId('subnet');
    const availabilityZone = zoneOf(properties, context);
    const availabilityZoneId = zoneIdOf(availabilityZone);
    const vpcId = requiredString(properties, 'VpcId');
    context.services.subnets.put(physicalId, { vpcId, availabilityZone, availabilityZoneId });
    const attributes = {
      SubnetId: physicalId,
      VpcId: vpcId,
      CidrBlock: properties.CidrBlock,
      AvailabilityZone: availabilityZone,
      AvailabilityZoneId: availabilityZoneId,
      NetworkAclAssociationId: randomId('aclassoc'),
      Ipv6CidrBlocks: [],
    };
    return { physicalId, attributes };
  },
  update: (resource) => resource,
  delete({ physicalId }, _, { services }) {
    services.subnets.remove(physicalId);
  },
};

function zoneOf(properties: Properties, { region }: ResourceContext): string {
  const id = optionalString(properties, 'AvailabilityZoneId');
  const name = optionalString(properties, 'AvailabilityZone');
  if (id === undefined) return name ?? `${region}a`;
  if (name !== undefined) throw new Error('Properties validation failed: only one of AvailabilityZone and AvailabilityZoneId can be specified');
  const found = zoneNameOf(region, id);
  if (found === undefined) throw new Error(`Value (${id}) for parameter availabilityZoneId is invalid. There is no such zone in ${region}.`);
  return found;
}

/** `Ref` is the address, as on AWS. */
export const elasticIp: ResourceType = {
  create() {
    // From the block that is kept for documentation: nobody has these addresses.
    const PublicIp = `192.0.2.${1 + Math.floor(Math.random() * 254)}`;
    return { physicalId: PublicIp, attributes: { AllocationId: randomId('eipalloc'), PublicIp } };
  },
  update: (resource) => resource,
  delete() {
    // There is nothing behind it.
  },
};
