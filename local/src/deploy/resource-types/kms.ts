import { randomUUID } from 'node:crypto';
import { requiredString } from '../properties';
import type { ResourceType } from '../resource-type';

/** Keys are names here: nothing is encrypted. */
export const key: ResourceType = {
  createOnly: ['Origin'],
  create(_, { region, account }) {
    const id = randomUUID();
    return { physicalId: id, attributes: { Arn: `arn:aws:kms:${region}:${account}:key/${id}`, KeyId: id } };
  },
  update: (resource) => resource,
  delete() {
    // It was nothing but a name.
  },
};

export const alias: ResourceType = {
  createOnly: ['AliasName'],
  name: 'AliasName',
  create(properties) {
    return { physicalId: requiredString(properties, 'AliasName'), attributes: {} };
  },
  update: (resource) => resource,
  delete() {
    // It was nothing but a name.
  },
};
