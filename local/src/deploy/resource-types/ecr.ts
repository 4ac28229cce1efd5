import { optionalString } from '../properties';
import type { ResourceType } from '../resource-type';
import { generatedName } from '../resource-type';

/** Repositories are names here: no image is pushed to them. */
export const repository: ResourceType = {
  createOnly: ['RepositoryName', 'EncryptionConfiguration'],
  name: 'RepositoryName',
  create(properties, context) {
    const { region, account } = context;
    const name = optionalString(properties, 'RepositoryName') ?? generatedName(context, 256).toLowerCase();
    const attributes = {
      Arn: `arn:aws:ecr:${region}:${account}:repository/${name}`,
      RepositoryUri: `${account}.dkr.ecr.${region}.amazonaws.com/${name}`,
    };
    return { physicalId: name, attributes };
  },
  update: (resource) => resource,
  delete() {
    // It was nothing but a name.
  },
};
