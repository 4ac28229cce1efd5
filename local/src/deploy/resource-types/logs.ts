import { optionalNumber, optionalString } from '../properties';
import type { ResourceType } from '../resource-type';
import { generatedName, unlessGone } from '../resource-type';

export const logGroup: ResourceType = {
  createOnly: ['LogGroupName', 'LogGroupClass'],
  name: 'LogGroupName',
  create(properties, context) {
    const { logs } = context.services;
    const name = optionalString(properties, 'LogGroupName') ?? generatedName(context, 512);
    logs.createGroup(name, optionalNumber(properties, 'RetentionInDays'));
    return { physicalId: name, attributes: { Arn: `${logs.groupArn(name)}:*` } };
  },
  update(resource, properties, { services }) {
    services.logs.setRetention(resource.physicalId, optionalNumber(properties, 'RetentionInDays'));
    return resource;
  },
  async delete({ physicalId }, _, { services }) {
    await unlessGone(['ResourceNotFoundException'], () => services.logs.deleteGroup(physicalId));
  },
};
