import type { Properties } from '../properties';
import { optionalBoolean, optionalNumber, record, records, requiredString } from '../properties';

/** CloudFormation wants each of them, also where there is nothing to say. */
const REQUIRED = [
  'AdditionalOsCapabilities', 'BaseImageArn', 'BaseImageVersion', 'BuildRoleArn', 'CodeArtifact', 'CpuConfigurations', 'Description',
  'EgressNetworkConnectors', 'EnvironmentVariables', 'Hooks', 'Logging', 'Name', 'Resources',
];
const OPTIONAL = ['KmsKeyIdentifier', 'Tags'];

/** Holds the properties to the type's schema, which comes before the service sees any of it. */
export function checkImageProperties(properties: Properties, logicalId: string): void {
  const missing = REQUIRED.filter((name) => properties[name] === undefined).map((name) => `#: required key [${name}] not found`);
  const unknown = Object.keys(properties).filter((name) => !REQUIRED.includes(name) && !OPTIONAL.includes(name));
  const problems = [...missing, ...unknown.map((name) => `#: extraneous key [${name}] is not permitted`)];
  if (problems.length === 0) return;
  throw new Error(`Properties validation failed for resource ${logicalId} with message:\n[${problems.join(', ')}]`);
}

/** The members that CreateMicrovmImage and UpdateMicrovmImage share. The API has no member for `KmsKeyIdentifier`. */
export function imageRequest(properties: Properties): Record<string, unknown> {
  const variables = records(properties, 'EnvironmentVariables');
  return {
    additionalOsCapabilities: properties.AdditionalOsCapabilities,
    baseImageArn: requiredString(properties, 'BaseImageArn'),
    baseImageVersion: requiredString(properties, 'BaseImageVersion'),
    buildRoleArn: requiredString(properties, 'BuildRoleArn'),
    codeArtifact: { uri: requiredString(record(properties, 'CodeArtifact'), 'Uri') },
    cpuConfigurations: records(properties, 'CpuConfigurations').map(lowerCamel),
    description: requiredString(properties, 'Description'),
    egressNetworkConnectors: properties.EgressNetworkConnectors,
    environmentVariables: Object.fromEntries(variables.map((entry) => [requiredString(entry, 'Key'), requiredString(entry, 'Value')])),
    hooks: hooksOf(record(properties, 'Hooks')),
    logging: loggingOf(record(properties, 'Logging')),
    resources: records(properties, 'Resources').map((sizes) => ({ minimumMemoryInMiB: optionalNumber(sizes, 'MinimumMemoryInMiB') })),
  };
}

export function imageTags(properties: Properties): Record<string, string> {
  return Object.fromEntries(records(properties, 'Tags').map((tag) => [requiredString(tag, 'Key'), requiredString(tag, 'Value')]));
}

function hooksOf(hooks: Properties): object {
  return {
    port: optionalNumber(hooks, 'Port'),
    microvmHooks: settingsOf(record(hooks, 'MicrovmHooks')),
    microvmImageHooks: settingsOf(record(hooks, 'MicrovmImageHooks')),
  };
}

function settingsOf(settings: Properties): Record<string, unknown> {
  const seconds = Object.keys(settings).filter((name) => name.endsWith('TimeoutInSeconds'));
  const numbers = Object.fromEntries(seconds.map((name) => [name, optionalNumber(settings, name)]));
  return lowerCamel({ ...settings, ...numbers });
}

/** A boolean here, an empty structure in the API. */
function loggingOf(logging: Properties): object | undefined {
  if (optionalBoolean(logging, 'Disabled')) return { disabled: {} };
  return logging.CloudWatch === undefined ? undefined : { cloudWatch: lowerCamel(record(logging, 'CloudWatch')) };
}

function lowerCamel(members: Properties): Record<string, unknown> {
  const entries = Object.entries(members);
  return Object.fromEntries(entries.map(([name, value]) => [name.charAt(0).toLowerCase() + name.slice(1), value]));
}
