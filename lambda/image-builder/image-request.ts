import type { ProviderEvent } from './events';
import { sha256 } from './image-tags';
import type { BuildEcho, BuildHooks, BuildRequest } from './images';
import type { ImageProperties } from './properties';

/** Everything is sent: an update resets what it does not name, and the service's defaults are not ours. */
export function buildRequest(properties: ImageProperties, baseImageVersion: string): BuildRequest {
  return {
    baseImageArn: properties.BaseImageArn,
    baseImageVersion,
    buildRoleArn: properties.BuildRoleArn,
    ...(properties.Description !== undefined && { description: properties.Description }),
    codeArtifact: { uri: `s3://${properties.ArtifactBucket}/${properties.ArtifactKey}` },
    logging: { cloudWatch: { logGroup: properties.LogGroupName } },
    egressNetworkConnectors: properties.EgressConnectorArns,
    cpuConfigurations: [{ architecture: 'ARM_64' }],
    resources: [{ minimumMemoryInMiB: properties.MemoryMib }],
    ...(properties.OsCapabilities.length > 0 && { additionalOsCapabilities: properties.OsCapabilities }),
    ...(properties.Hooks && { hooks: buildHooks(properties.Hooks) }),
    environmentVariables: properties.Environment,
  };
}

/** Without a timeout an enabled hook gets one second. */
function buildHooks({ Port, Ready, Validate, Run, Resume, Suspend, Terminate }: NonNullable<ImageProperties['Hooks']>): BuildHooks {
  const state = (timeout: number | undefined) => (timeout === undefined ? 'DISABLED' as const : 'ENABLED' as const);
  return {
    port: Port,
    microvmImageHooks: {
      ready: state(Ready),
      readyTimeoutInSeconds: Ready,
      validate: state(Validate),
      validateTimeoutInSeconds: Validate,
    },
    microvmHooks: {
      run: state(Run),
      runTimeoutInSeconds: Run,
      resume: state(Resume),
      resumeTimeoutInSeconds: Resume,
      suspend: state(Suspend),
      suspendTimeoutInSeconds: Suspend,
      terminate: state(Terminate),
      terminateTimeoutInSeconds: Terminate,
    },
  };
}

/** A version's whole configuration on another base image; undefined if the service does not tell all that a build needs. */
export function buildOnBase(echo: BuildEcho, baseImageVersion: string): BuildRequest | undefined {
  const { baseImageArn, buildRoleArn, codeArtifact } = echo;
  if (baseImageArn === undefined || buildRoleArn === undefined || codeArtifact?.uri === undefined) return undefined;
  // The service answers the members of a request in the form of a request.
  return { ...echo, baseImageVersion } as BuildRequest;
}

/**
 * One token per attempt of CloudFormation, operation and base image, the same when Lambda repeats that attempt. Not derived from the
 * content: the service never forgets a token, and one that comes back after its image was deleted replays the dead create and leaves
 * an image that neither builds nor can be deleted for hours.
 */
export function clientToken(attempt: string, operation: 'create' | 'update' | 'rebuild', baseImageVersion: string): string {
  return sha256(`${attempt} ${operation} ${baseImageVersion}`);
}

/** The ARN that an image of this name has in the account and Region of its role and base image. */
function imageArnFor({ BaseImageArn, BuildRoleArn, ImageName }: ImageProperties): string {
  const [, partition, , region] = BaseImageArn.split(':');
  const account = BuildRoleArn.split(':')[4];
  return `arn:${partition}:lambda:${region}:${account}:microvm-image:${ImageName}`;
}

/** The ARN of the image that is wished for. Another name is another image; CloudFormation deletes the old one when all is complete. */
export function wishedImageArn({ PhysicalResourceId }: Pick<ProviderEvent, 'PhysicalResourceId'>, properties: ImageProperties): string {
  const suffix = `:microvm-image:${properties.ImageName}`;
  return PhysicalResourceId?.endsWith(suffix) ? PhysicalResourceId : imageArnFor(properties);
}
