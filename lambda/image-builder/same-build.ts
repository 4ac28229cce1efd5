import type { BuildEcho } from './images';

const DEFAULT_MEMORY_MIB = 2048;

/** The number of a base image's version: the service answers `1.0` for `1`, which it refuses to be asked for. */
export function baseMajor(version: string | undefined): number | undefined {
  const major = /^\d+/.exec(version ?? '')?.[0];
  return major === undefined ? undefined : Number(major);
}

/** True if both describe the same build, whatever the service left out, filled in or reordered in telling it. */
export function sameBuild(one: BuildEcho, other: BuildEcho): boolean {
  const base = baseMajor(one.baseImageVersion);
  return base !== undefined && base === baseMajor(other.baseImageVersion) && sameApartFromBase(one, other);
}

export function sameApartFromBase(one: BuildEcho, other: BuildEcho): boolean {
  return JSON.stringify(normalised(one)) === JSON.stringify(normalised(other));
}

/** Every member but the base's version, in one form, with the service's defaults where a member is missing. */
function normalised(build: BuildEcho): unknown[] {
  const { cloudWatch, disabled } = build.logging ?? {};
  const connectors = build.egressNetworkConnectors ?? [];
  return [
    build.baseImageArn,
    build.buildRoleArn,
    build.description ?? '',
    build.codeArtifact?.uri,
    [cloudWatch?.logGroup, cloudWatch?.logStream, disabled !== undefined],
    connectors.length > 0 ? [...connectors].sort() : [internetConnector(build)],
    (build.cpuConfigurations ?? []).map(({ architecture }) => architecture ?? 'ARM_64').filter((name) => name !== 'ARM_64').sort(),
    build.resources?.[0]?.minimumMemoryInMiB ?? DEFAULT_MEMORY_MIB,
    [...build.additionalOsCapabilities ?? []].sort(),
    normalisedHooks(build.hooks),
    Object.entries(build.environmentVariables ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
  ];
}

/** What the service takes for no connector at all. */
function internetConnector({ baseImageArn = '' }: BuildEcho): string {
  const [, partition, , region] = baseImageArn.split(':');
  return `arn:${partition}:lambda:${region}:aws:network-connector:aws-network-connector:INTERNET_EGRESS`;
}

/** The enabled hooks with their timeouts. The port counts only if one is enabled. */
function normalisedHooks(hooks: BuildEcho['hooks']): unknown[] {
  const members: Record<string, unknown> = { ...hooks?.microvmImageHooks, ...hooks?.microvmHooks };
  const enabled = Object.keys(members).filter((name) => members[name] === 'ENABLED').sort();
  if (enabled.length === 0) return [];
  return [hooks?.port, ...enabled.map((name) => [name, members[`${name}TimeoutInSeconds`]])];
}
