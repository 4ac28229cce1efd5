import { z } from 'zod';
import { BUILD_LOG_GROUP_PREFIX } from '../../src/contract/image';
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

const propertiesSchema = z.object({
  ServiceToken: z.string(),
  ImageName: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'not 1 to 64 letters, digits, hyphens and underscores'),
  Description: z.string().optional(),
  BaseImageArn: arn,
  BaseImageVersion: z.string().regex(/^\d+$/, 'not a bare major version such as 1'),
  BuildRoleArn: arn,
  SourceBucket: z.string().min(1),
  SourceKey: z.string().min(1),
  ArtifactBucket: z.string().min(1),
  // What lies below the folder is deleted with the image.
  ArtifactKey: z.string().regex(/^[^/].*\/[^/]+$/, 'not a key inside a folder of the image\'s own'),
  MemoryMib: whole(1, 1_000_000).refine((memory) => MEMORY_MIB.includes(memory), `not one of ${MEMORY_MIB.join(', ')}`),
  // The service reads an empty list as the internet.
  EgressConnectorArns: z.array(arn).length(1),
  LogGroupName: z.string().startsWith(BUILD_LOG_GROUP_PREFIX),
  Environment: z.record(z.string().regex(/^\S{1,256}$/), z.string().max(4096))
    .refine((variables) => Object.keys(variables).length <= 50, 'more than 50 variables'),
  Hooks: hooks.optional(),
}) satisfies z.ZodType<unknown, ImageResourceProperties>;

export type ImageProperties = z.infer<typeof propertiesSchema>;

/** Converts what CloudFormation sent, and names each property that is wrong. Values stay out: the environment may hold anything. */
export function parseProperties(properties: unknown): ImageProperties {
  const parsed = propertiesSchema.safeParse(properties);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'ResourceProperties'}: ${message}`);
  throw new Error(`The image's properties are malformed: ${problems.join('; ')}.`);
}

const artifactSchema = propertiesSchema.pick({ ArtifactBucket: true, ArtifactKey: true });

export type ArtifactProperties = z.infer<typeof artifactSchema>;

/** Undefined where a delete finds none: it has to succeed also for properties that never passed. */
export function findArtifactProperties(properties: unknown): ArtifactProperties | undefined {
  return artifactSchema.safeParse(properties).data;
}
