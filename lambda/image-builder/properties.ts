import * as z from 'zod';
import type { Artifact } from './artifacts';
import { RESERVED_TAG } from './image-tags';
import { BUILD_LOG_GROUP_PREFIX, LATEST_BASE_IMAGE } from '../../src/contract/image';
import type { ImageResourceProperties } from '../../src/contract/image';

const MEMORY_MIB = [512, 1024, 2048, 4096, 8192];

const whole = (min: number, max: number) => z.string().regex(/^\d{1,9}$/, 'not a whole number').transform(Number)
  .pipe(z.number().min(min).max(max));
const arn = z.string().startsWith('arn:');
const runtimeTimeout = whole(1, 60).optional();
const buildTimeout = whole(1, 3600).optional();

const hooks = z.object({
  Port: whole(1, 65535),
  Ready: buildTimeout,
  Validate: buildTimeout,
  Run: runtimeTimeout,
  Resume: runtimeTimeout,
  Suspend: runtimeTimeout,
  Terminate: runtimeTimeout,
}).refine(
  ({ Ready, Run, Resume, Suspend, Terminate }) => (
    Ready !== undefined || [Run, Resume, Suspend, Terminate].every((hook) => hook === undefined)
  ),
  'Run, Resume, Suspend and Terminate need Ready: without it nothing says when the snapshot may be taken',
);

const fields = {
  ServiceToken: z.string(),
  ImageName: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'not 1 to 64 letters, digits, hyphens and underscores'),
  Description: z.string().optional(),
  BaseImageArn: arn,
  BaseImageVersion: z.string().regex(new RegExp(`^(\\d+|${LATEST_BASE_IMAGE})$`), `neither a bare major version such as 1 nor ${LATEST_BASE_IMAGE}`),
  BuildRoleArn: arn,
  ArtifactBucket: z.string().min(1),
  ArtifactKey: z.string().regex(/^[^/]/, 'not a key'),
  SourceBucket: z.string().min(1).optional(),
  SourceKey: z.string().min(1).optional(),
  SourceObjectVersion: z.string().min(1).optional(),
  SourceDockerfile: z.string().min(1).optional(),
  MemoryMib: whole(1, 1_000_000).refine((memory) => MEMORY_MIB.includes(memory), `not one of ${MEMORY_MIB.join(', ')}`),
  // The service reads an empty list as the internet.
  EgressConnectorArns: z.array(arn).length(1),
  LogGroupName: z.string().startsWith(BUILD_LOG_GROUP_PREFIX),
  Environment: z.record(z.string().regex(/^\S{1,256}$/), z.string().max(4096))
    .refine((variables) => Object.keys(variables).length <= 50, 'more than 50 variables'),
  Hooks: hooks.optional(),
  OsCapabilities: z.array(z.literal('ALL')).max(1),
  // One is the current one, and one is built while all others are there. Where 0 gets here, as a parameter of a stack may, the version
  // before stays all the same: a rollback of CloudFormation has no rights to build it again yet, and functions that name it.
  RetainVersions: whole(0, 48).transform((count) => Math.max(count, 1)),
  Tags: z.record(z.string().min(1).max(128).regex(RESERVED_TAG.none, 'reserved'), z.string().max(256)).optional(),
};

type ArtifactFields = Pick<ImageResourceProperties, 'ArtifactKey' | 'SourceKey' | 'SourceDockerfile'>;

const NO_OWN_FOLDER = { path: ['ArtifactKey'], message: 'not a key inside a folder of the image\'s own' };

/** What lies in the folder of an artifact that was made for the image is deleted with it. What is used in place may lie anywhere. */
function hasOwnFolder({ ArtifactKey, SourceKey, SourceDockerfile }: ArtifactFields): boolean {
  const isInPlace = SourceKey === undefined && SourceDockerfile === undefined;
  return isInPlace || /^[^/].*\/[^/]+$/.test(ArtifactKey);
}

const propertiesSchema = z.object(fields).refine(
  ({ SourceBucket, SourceKey, SourceObjectVersion }) => (
    (SourceBucket === undefined) === (SourceKey === undefined)
    && (SourceObjectVersion === undefined || SourceKey !== undefined)
  ),
  'SourceBucket and SourceKey come together, and SourceObjectVersion with them',
).refine(
  ({ SourceKey, SourceDockerfile }) => SourceKey === undefined || SourceDockerfile === undefined,
  'SourceKey and SourceDockerfile exclude each other',
).refine(hasOwnFolder, NO_OWN_FOLDER) satisfies z.ZodType<unknown, ImageResourceProperties>;

export type ImageProperties = z.infer<typeof propertiesSchema>;

/** Converts what CloudFormation sent, and names each property that is wrong. Values stay out: the environment may hold anything. */
export function parseProperties(properties: unknown): ImageProperties {
  const parsed = propertiesSchema.safeParse(properties);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'ResourceProperties'}: ${message}`);
  throw new Error(`The image's properties are malformed: ${problems.join('; ')}.`);
}

/** The artifact, and where it comes from. */
export function artifactOf(properties: ArtifactProperties): Artifact {
  const { ArtifactBucket, ArtifactKey, SourceBucket, SourceKey, SourceObjectVersion, SourceDockerfile } = properties;
  return {
    place: { bucket: ArtifactBucket, key: ArtifactKey },
    ...(SourceBucket !== undefined && SourceKey !== undefined && {
      source: {
        bucket: SourceBucket,
        key: SourceKey,
        ...(SourceObjectVersion !== undefined && { version: SourceObjectVersion }),
      },
    }),
    ...(SourceDockerfile !== undefined && { dockerfile: SourceDockerfile }),
  };
}

const artifactSchema = z.object(fields).pick({
  ArtifactBucket: true,
  ArtifactKey: true,
  SourceBucket: true,
  SourceKey: true,
  SourceObjectVersion: true,
  SourceDockerfile: true,
}).refine(hasOwnFolder, NO_OWN_FOLDER);

type ArtifactProperties = z.infer<typeof artifactSchema>;

/** Undefined where a delete finds none: it has to succeed also for properties that never passed. */
export function findArtifact(properties: unknown): Artifact | undefined {
  const { data } = artifactSchema.safeParse(properties);
  return data && artifactOf(data);
}

const tagsSchema = z.object({ Tags: z.record(z.string(), z.string()) });

/** The tags in properties that may be of any form. */
export function findTags(properties: unknown): Readonly<Record<string, string>> {
  return tagsSchema.safeParse(properties).data?.Tags ?? {};
}

/** Undefined for properties that never passed. */
export function findProperties(properties: unknown): ImageProperties | undefined {
  return propertiesSchema.safeParse(properties).data;
}
