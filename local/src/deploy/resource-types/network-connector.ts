import type { ConnectorInput } from '../../services/network-connectors/connector-input';
import type { ConnectorRecord } from '../../services/network-connectors/connector-record';
import { latestVersion } from '../../services/network-connectors/connector-record';
import { ServiceError } from '../../services/service-error';
import type { Properties } from '../properties';
import { optionalString, record, records, requiredString } from '../properties';
import type { ResourceContext, ResourceType } from '../resource-type';
import { generatedName } from '../resource-type';
import { handlerError, untilStable } from '../stabilization';
import type { Resource } from '../stack';

/** A connector of the account. `Ref` is its ARN, without a version. */
export const networkConnector: ResourceType = {
  createOnly: ['Name'],
  name: 'Name',
  changesAttributes: true,
  async create(properties, context) {
    const { connectors } = context.services;
    const Name = optionalString(properties, 'Name') ?? generatedName(context, 64);
    const { arn } = asHandler(() => connectors.create({ ...inputOf(properties), Name }));
    context.stands(arn);
    return settled(arn, context);
  },
  async update({ physicalId }, properties, context, before) {
    const { connectors } = context.services;
    const input = inputOf(properties);
    connectors.find(physicalId).record.tags = tagsOf(properties);
    // Tags alone make no version.
    if (JSON.stringify({ ...input, Tags: {} }) !== JSON.stringify({ ...inputOf(before), Tags: {} })) {
      asHandler(() => connectors.update(physicalId, input));
    }
    return settled(physicalId, context);
  },
  async delete({ physicalId }, _, context) {
    const { connectors } = context.services;
    const gone = (): true | undefined => (connectors.stateOf(physicalId) === undefined ? true : undefined);
    // One that is still being made cannot be deleted, by the service's rules.
    await untilStable(context, () => (connectors.stateOf(physicalId) === 'PENDING' ? undefined : true));
    if (!gone()) asHandler(() => connectors.delete(physicalId));
    await untilStable(context, gone);
  },
};

function inputOf(properties: Properties): ConnectorInput {
  return {
    Configuration: record(properties, 'Configuration'),
    OperatorRole: optionalString(properties, 'OperatorRole'),
    Tags: tagsOf(properties),
  };
}

function tagsOf(properties: Properties): Record<string, string> {
  return Object.fromEntries(records(properties, 'Tags').map((tag) => [requiredString(tag, 'Key'), requiredString(tag, 'Value')]));
}

async function settled(arn: string, context: ResourceContext): Promise<Resource> {
  const found = await untilStable(context, () => {
    const connector = context.services.connectors.find(arn).record;
    return connector.state === 'PENDING' || connector.lastUpdateStatus === 'InProgress' ? undefined : connector;
  });
  if (found.state === 'ACTIVE') return resourceOf(found);
  // CloudFormation hands the reason of a connector on; only that of an image it keeps to itself.
  throw handlerError('NotStabilized', found.stateReason ?? undefined);
}

function resourceOf(connector: ConnectorRecord): Resource {
  const { arn, state } = connector;
  const LatestVersion = String(latestVersion(connector).number);
  return { physicalId: arn, attributes: { Arn: arn, LatestVersion, LatestVersionArn: `${arn}:${LatestVersion}`, State: state } };
}

function asHandler<Answer>(work: () => Answer): Answer {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw handlerError(error.message.startsWith('Network connector already exists') ? 'AlreadyExists' : 'InvalidRequest', error.message);
  }
}
