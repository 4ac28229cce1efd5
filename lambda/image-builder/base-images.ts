import type { Builder } from './builder';
import type { ManagedVersion } from './images';
import { measure } from './metrics';
import type { ImageProperties } from './properties';
import { baseMajor } from './same-build';
import { waitAfter } from './waits';
import { LATEST_BASE_IMAGE } from '../../src/contract/image';
import { ServiceError } from '../pool/service-error';

/** A version of the managed base image, as a bare major, with what the service says of it. */
export interface BaseImage {
  readonly version: string;
  readonly status: string;
}

/** The service did not tell. */
export const UNKNOWN_STATUS = 'UNKNOWN';

/** A base image that the service does not offer, in words. */
export class UnknownBaseImage extends Error {}

/** The base image to build on. Undefined if `latest` cannot be told yet. */
export async function resolveBaseImage(builder: Builder, properties: ImageProperties): Promise<BaseImage | undefined> {
  const { BaseImageArn, BaseImageVersion: wished, ImageName } = properties;
  const managed = await listBaseImages(builder, BaseImageArn);
  if (wished === LATEST_BASE_IMAGE) return managed && newestAvailable(managed, BaseImageArn);
  // A pinned version needs no lookup to be built on.
  if (!managed) return { version: wished, status: UNKNOWN_STATUS };
  const found = managed.find(({ version }) => baseMajor(version) === Number(wished));
  if (!found) {
    throw new UnknownBaseImage(`BaseImageVersion: there is no version ${wished} of ${BaseImageArn}. ${offered(managed)}`);
  }
  if (found.status !== 'AVAILABLE') reportOldBase(builder, ImageName, { version: wished, status: found.status });
  return { version: wished, status: found.status };
}

/** Tells of a base image that the service is about to withdraw, or did. */
export function reportOldBase(builder: Builder, imageName: string, { version, status }: BaseImage): void {
  builder.log({ level: 'warn', message: 'the base image is not AVAILABLE any more; move to a newer version', imageName, version, status });
  measure(builder, imageName, ['deprecatedBase', 1]);
}

async function listBaseImages(builder: Builder, baseImageArn: string): Promise<ManagedVersion[] | undefined> {
  try {
    return await builder.images.listManagedVersions(baseImageArn);
  } catch (error) {
    if (error instanceof ServiceError && error.kind === 'not_found') return [];
    if (!waitAfter(error)) throw error;
    builder.log({ level: 'warn', message: 'cannot list base images', error: (error as Error).message });
    return undefined;
  }
}

/** The newest that images can be built on. */
export function findNewest(managed: readonly ManagedVersion[]): number | undefined {
  const majors = managed.filter(({ status }) => status === 'AVAILABLE').flatMap(({ version }) => baseMajor(version) ?? []);
  return majors.length > 0 ? Math.max(...majors) : undefined;
}

function newestAvailable(managed: readonly ManagedVersion[], baseImageArn: string): BaseImage {
  const newest = findNewest(managed);
  if (newest !== undefined) return { version: String(newest), status: 'AVAILABLE' };
  throw new UnknownBaseImage(`BaseImageVersion: no version of ${baseImageArn} is AVAILABLE. ${offered(managed)} Pin one of them.`);
}

function offered(managed: readonly ManagedVersion[]): string {
  if (managed.length === 0) return 'The service offers no version of it in this Region.';
  return `The service offers ${managed.map(({ version, status }) => `${baseMajor(version) ?? version} (${status})`).join(', ')}.`;
}
