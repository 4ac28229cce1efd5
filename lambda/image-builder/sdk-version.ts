import type { BuildEcho, ImageVersion } from './images';

interface DescribedVersion {
  readonly imageVersion?: string;
  readonly state?: string;
  readonly status?: string;
  readonly stateReason?: string | null;
  readonly createdAt?: Date | null;
  readonly updatedAt?: Date | null;
}

/** The members of a build, as the service calls them. */
const BUILD_MEMBERS = [
  'baseImageArn', 'baseImageVersion', 'buildRoleArn', 'description', 'codeArtifact', 'logging', 'egressNetworkConnectors', 'cpuConfigurations',
  'resources', 'additionalOsCapabilities', 'hooks', 'environmentVariables',
] as const satisfies (keyof BuildEcho)[];

/** Takes a version as the SDK hands it over: with null for what is not set. */
export function toVersion(described: DescribedVersion): ImageVersion {
  const { imageVersion = '', state = '', status, stateReason, createdAt, updatedAt } = described;
  const members = described as Readonly<Record<string, unknown>>;
  const build = Object.fromEntries(BUILD_MEMBERS.map((member) => [member, withoutNulls(members[member])]));
  return {
    imageVersion,
    state,
    status: status ?? undefined,
    stateReason: stateReason ?? undefined,
    createdAt: createdAt?.getTime(),
    updatedAt: updatedAt?.getTime(),
    // The SDK's types say of each member what `BuildEcho` says.
    build: withoutNulls(build) as BuildEcho,
  };
}

/** Without members that are null or missing, at any depth: a request may not have the former. */
function withoutNulls(value: unknown): unknown {
  if (value === null) return undefined;
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object') return value;
  const members = Object.entries(value as object).map(([name, member]) => [name, withoutNulls(member)] as const);
  return Object.fromEntries(members.filter(([, member]) => member !== undefined));
}
