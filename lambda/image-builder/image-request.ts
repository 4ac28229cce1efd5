import { createHash } from 'node:crypto';
import type { ProviderEvent } from './events';
import type { BuildHooks, BuildRequest } from './images';
import type { ImageProperties } from './properties';

/** Everything is sent: an update resets what it does not name, and the service's defaults are not ours. */
export function buildRequest(properties: ImageProperties): BuildRequest {
  return {
    baseImageArn: properties.BaseImageArn,
    baseImageVersion: properties.BaseImageVersion,
    buildRoleArn: properties.BuildRoleArn,
    ...(properties.Description !== undefined && { description: properties.Description }),
    codeArtifact: { uri: `s3://${properties.ArtifactBucket}/${properties.ArtifactKey}` },
    logging: { cloudWatch: { logGroup: properties.LogGroupName } },
    egressNetworkConnectors: properties.EgressConnectorArns,
    cpuConfigurations: [{ architecture: 'ARM_64' }],
    resources: [{ minimumMemoryInMiB: properties.MemoryMib }],
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

/**
 * One token per attempt of CloudFormation and operation, the same when Lambda repeats that attempt. Not derived from the content: the service
 * never forgets a token, and one that comes back after its image was deleted replays the dead create and leaves an image that
 * neither builds nor can be deleted for hours.
 */
export function clientToken({ RequestId }: Pick<ProviderEvent, 'RequestId'>, operation: 'create' | 'update'): string {
  return sha256(`${RequestId} ${operation}`);
}

export const ATTEMPT_TAG = 'cdk-microvm-sandbox:attempt';
export const OWNER_TAG = 'cdk-microvm-sandbox:owner';

/** Tells an image of this resource from one that merely has the name: hashes, because a tag takes few characters. */
export function imageTags(event: Pick<ProviderEvent, 'RequestId' | 'StackId' | 'LogicalResourceId'>): Record<string, string> {
  return { [ATTEMPT_TAG]: sha256(event.RequestId), [OWNER_TAG]: sha256(`${event.StackId} ${event.LogicalResourceId}`) };
}

/** The ARN that an image of this name has in the account and Region of its role and base image. */
export function imageArnFor({ BaseImageArn, BuildRoleArn, ImageName }: ImageProperties): string {
  const [, partition, , region] = BaseImageArn.split(':');
  const account = BuildRoleArn.split(':')[4];
  return `arn:${partition}:lambda:${region}:${account}:microvm-image:${ImageName}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
