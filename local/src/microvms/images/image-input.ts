import type { BaseImages } from './base-images';
import { hookEntries, hookMembers, type HooksInput } from './hook-settings';
import { managedImageArn } from './managed-images';
import type { ConnectorDirectory } from '../../api';
import { assertConnectors, connectorArn, type Place } from '../wire/arns';
import { check, type Members } from '../wire/constraints';
import { invalid } from '../wire/errors';
import { CLIENT_TOKEN, CONNECTORS, ENVIRONMENT, IDENTIFIER, LOGGING, NON_BLANK, ROLE, TAGS } from '../wire/member-rules';

/** Sizes that the managed base image supports, in MiB. */
const MEMORY_SIZES = [512, 1024, 2048, 4096, 8192];

export interface Logging {
  readonly disabled?: object | null;
  readonly cloudWatch?: { readonly logGroup?: string | null; readonly logStream?: string | null } | null;
}

/** Configuration of an image version, as requests carry it and answers repeat it. */
export interface ImageConfiguration {
  readonly additionalOsCapabilities: readonly string[] | null;
  readonly baseImageArn: string;
  readonly baseImageVersion: string;
  readonly buildRoleArn: string;
  readonly codeArtifact: { readonly uri: string };
  readonly cpuConfigurations: readonly object[] | null;
  readonly description: string | null;
  readonly egressNetworkConnectors: readonly string[];
  readonly environmentVariables: Readonly<Record<string, string>> | null;
  readonly hooks: HooksInput | null;
  readonly logging: Logging | null;
  readonly resources: readonly { readonly minimumMemoryInMiB: number }[];
}

export type ImageInput = Partial<ImageConfiguration> & {
  readonly name?: string;
  readonly tags?: Readonly<Record<string, string>> | null;
  readonly clientToken?: string;
};

const CONFIGURATION: Members = {
  baseImageArn: { ...NON_BLANK, required: true },
  codeArtifact: { type: 'structure', required: true, members: { uri: { ...NON_BLANK, required: true } } },
  buildRoleArn: { ...ROLE, required: true },
  baseImageVersion: NON_BLANK,
  description: { type: 'string' },
  logging: LOGGING,
  egressNetworkConnectors: { ...CONNECTORS, max: 1 },
  cpuConfigurations: {
    type: 'list',
    items: { type: 'structure', members: { architecture: { type: 'string', required: true, values: ['ARM_64'] } } },
  },
  resources: { type: 'list', max: 1, items: { type: 'structure', members: { minimumMemoryInMiB: { type: 'integer', required: true } } } },
  additionalOsCapabilities: { type: 'list', items: { type: 'string', values: ['ALL'] } },
  hooks: { type: 'structure', members: hookMembers },
  environmentVariables: ENVIRONMENT,
  clientToken: CLIENT_TOKEN,
};

const CREATE: Members = {
  name: { type: 'string', required: true, min: 1, max: 64, pattern: '[a-zA-Z0-9-_]+' },
  ...CONFIGURATION,
  tags: TAGS,
};

/** Checks the members of a CreateMicrovmImage request one by one. */
export function checkCreate(input: ImageInput): void {
  check(input as Record<string, unknown>, CREATE);
}

/** Checks the members of an UpdateMicrovmImage request one by one. */
export function checkUpdate(imageIdentifier: string, input: ImageInput): void {
  check({ ...input, imageIdentifier }, { imageIdentifier: IDENTIFIER, ...CONFIGURATION });
}

/** What an image may name. */
export interface ImageSurroundings {
  readonly place: Place;
  readonly baseImages: BaseImages;
  /** Left out: every connector of the account is taken for one that is there. */
  readonly connectors?: ConnectorDirectory;
}

/** Checks what the members of a request mean together, and fills in what the service fills in. */
export function readConfiguration(surroundings: ImageSurroundings, input: ImageInput): ImageConfiguration {
  const { place, connectors } = surroundings;
  const uri = input.codeArtifact?.uri ?? '';
  if (!/^s3:\/\/[^/]+\/.+$/.test(uri)) throw invalid('CodeArtifact URI must be a valid S3 URI in the format: s3://<bucket>/<key>');
  const baseImageArn = input.baseImageArn ?? '';
  const egress = input.egressNetworkConnectors ?? [];
  assertConnectors(place, egress, connectors);
  assertHooks(input.hooks ?? null);
  return {
    additionalOsCapabilities: input.additionalOsCapabilities ?? null,
    baseImageArn,
    baseImageVersion: `${baseVersion(surroundings, baseImageArn, input.baseImageVersion)}.0`,
    buildRoleArn: input.buildRoleArn ?? '',
    codeArtifact: { uri },
    cpuConfigurations: input.cpuConfigurations ?? null,
    description: input.description ?? null,
    egressNetworkConnectors: egress.length > 0 ? egress : [connectorArn(place, 'INTERNET_EGRESS')],
    environmentVariables: input.environmentVariables ?? null,
    hooks: input.hooks ? withNulls(input.hooks, hookMembers) as HooksInput : null,
    logging: input.logging ? withNulls(input.logging, LOGGING.members) : null,
    resources: [{ minimumMemoryInMiB: memory(input, baseImageArn) }],
  };
}

function baseVersion({ place, baseImages }: ImageSurroundings, arn: string, wanted: string | null | undefined): string {
  if (wanted && !/^\d+$/.test(wanted)) {
    throw invalid(`Invalid baseMicroVMImageVersion: ${wanted}. Expected a single major version number (e.g., 1).`);
  }
  const version = wanted ?? baseImages.byDefault();
  if (baseImages.isBuildable(version) && arn === managedImageArn(place)) return version;
  throw invalid(`No managed MicroVM Image with arn ${arn} and version ${version} is available`);
}

function memory(input: ImageInput, baseImageArn: string): number {
  const size = input.resources?.[0]?.minimumMemoryInMiB ?? 2048;
  if (MEMORY_SIZES.includes(size)) return size;
  throw invalid(`The requested memory size of ${size} MiB is not supported by base MicroVM image ${baseImageArn}. `
    + `Supported memory sizes in MiB are: [${MEMORY_SIZES.join(', ')}].`);
}

function assertHooks(hooks: HooksInput | null): void {
  const enabled = hookEntries(hooks).map(({ name }) => name);
  if (enabled.length === 0) return;
  if (!enabled.includes('ready') && enabled.some((name) => name !== 'validate')) {
    throw invalid('The ready (/ready) MicroVM image hook must be enabled when any MicroVM lifecycle hook '
      + '(run, resume, suspend, or terminate) is enabled.');
  }
  if (hooks?.port === undefined || hooks.port === null) throw invalid('The hooks port must be provided when any hook is enabled.');
}

/** Members that a request left out, as explicit nulls. */
function withNulls(value: object, members: Members = {}): Record<string, unknown> {
  const given = value as Record<string, unknown>;
  return Object.fromEntries(Object.entries(members).map(([name, rule]) => {
    const member = given[name] ?? null;
    return [name, member !== null && rule.members ? withNulls(member, rule.members) : member];
  }));
}
