import { readFunctionName } from '../../services/lambda/function-name';
import type { FunctionAlias } from '../../services/lambda/function-versions';
import type { Properties } from '../properties';
import { optionalString, record, records, requiredString } from '../properties';
import type { ResourceType } from '../resource-type';
import { unlessGone } from '../resource-type';

/** A published version: what the function is at that moment. Its id is its ARN. */
export const version: ResourceType = {
  createOnly: ['FunctionName', 'Description', 'CodeSha256', 'RuntimePolicy'],
  create(properties, { services: { lambda } }) {
    const published = lambda.publish(requiredString(properties, 'FunctionName'), {
      description: optionalString(properties, 'Description'),
      codeSha256: optionalString(properties, 'CodeSha256'),
    });
    const arn = `${lambda.arn(published.name)}:${published.version}`;
    return { physicalId: arn, attributes: { Version: published.version, FunctionArn: arn } };
  },
  // Provisioned concurrency only makes calls faster.
  update: (resource) => resource,
  async delete({ physicalId }, _, { services }) {
    const { qualifier = '' } = readFunctionName(physicalId);
    await unlessGone(['ResourceNotFoundException'], () => services.lambda.deleteVersion(physicalId, qualifier));
  },
};

/** A name for a version. Its id is its ARN. */
export const alias: ResourceType = {
  createOnly: ['FunctionName', 'Name'],
  create(properties, { services: { lambda } }) {
    const functionName = requiredString(properties, 'FunctionName');
    const given = aliasOf(properties);
    lambda.versions(functionName).createAlias(given);
    const arn = `${lambda.arn(readFunctionName(functionName).name)}:${given.name}`;
    return { physicalId: arn, attributes: { AliasArn: arn } };
  },
  update(resource, properties, { services }) {
    services.lambda.versions(resource.physicalId).updateAlias(aliasOf(properties));
    return resource;
  },
  async delete({ physicalId }, _, { services }) {
    const { qualifier = '' } = readFunctionName(physicalId);
    await unlessGone(['ResourceNotFoundException'], () => services.lambda.versions(physicalId).deleteAlias(qualifier));
  },
};

function aliasOf(properties: Properties): FunctionAlias {
  const weights = records(record(properties, 'RoutingConfig'), 'AdditionalVersionWeights');
  if (weights.length > 0) throw new Error('RoutingConfig: in the local cloud an alias stands for one version; leave AdditionalVersionWeights out');
  return {
    name: requiredString(properties, 'Name'),
    version: requiredString(properties, 'FunctionVersion'),
    description: optionalString(properties, 'Description') ?? '',
  };
}
