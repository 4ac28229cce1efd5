import { Annotations, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { BaseImage } from '../base-image';
import type { ImageHooks } from '../image-hooks';
import { OsCapabilities } from '../os-capabilities';
import type { SandboxImage, SandboxImageAttributes } from '../sandbox-image';
import type { SandboxImageProps } from '../sandbox-image-props';
import { ValidationError } from '../validation-error';
import type { BoundSource } from './bound-source';
import { checkEnvironment } from './check-environment';
import { checkInteger } from './check-integer';
import { checkPort } from './check-port';
import { checkImageName } from './image-name';

const DEFAULT_RETAINED = 1;
/** The platform keeps 50 versions of an image: beside these there are the current one and the one that is being built. */
const MAX_RETAINED = 48;

export function checkAttributes(scope: Construct, attributes: SandboxImageAttributes): void {
  const { imageArn, imageVersion, daemonPort, hookPort } = attributes;
  // With a slash instead of the colon the service answers "access denied", which looks like a fault of the policy.
  if (!Token.isUnresolved(imageArn) && !/^arn:[^:]+:lambda:[^:]*:[^:]*:microvm-image:[a-zA-Z0-9_-]+$/.test(imageArn)) {
    throw new ValidationError(
      `imageArn: '${imageArn}' is not the ARN of an image; it looks like arn:aws:lambda:<region>:<account>:microvm-image:<name>`, scope,
    );
  }
  if (imageVersion !== undefined && !Token.isUnresolved(imageVersion) && !/^\d+\.\d+$/.test(imageVersion)) {
    throw new ValidationError(
      `imageVersion: '${imageVersion}' is not an exact version; it looks like 3.0. Leave it out to follow the image`, scope,
    );
  }
  checkPort(daemonPort, 'daemonPort', scope);
  checkPort(hookPort, 'hookPort', scope);
}

export function checkImageProps(image: SandboxImage, props: SandboxImageProps): void {
  checkImageName(image, image.imageName);
  checkEnvironment(image, props.environment ?? {});
  checkRetained(image, props.retainVersions);
  if (props.rebuildOnNewBase !== undefined && !(props.baseImage ?? BaseImage.AL2023_1)._isLatest) {
    throw new ValidationError('rebuildOnNewBase: a pinned baseImage has no newer one; set baseImage to BaseImage.latest()', image);
  }
  if (props.buildRole !== undefined && props.trustCondition !== undefined) {
    throw new ValidationError('trustCondition: the trust of a buildRole of yours is its own; leave one of the two out', image);
  }
  if (props.osCapabilities === OsCapabilities.ALL) {
    Annotations.of(image).addWarningV2(
      'cdk-microvm-sandbox:allOsCapabilities',
      'osCapabilities: with ALL, code that becomes root in a sandbox can mount, change the network and reach the platform\'s agent. The microVM '
      + 'is the only boundary left; leave it out unless sandboxes mount file systems or run containers.',
    );
  }
}

function checkRetained(image: SandboxImage, retainVersions: number | undefined): void {
  if (retainVersions === 0) {
    throw new ValidationError(
      `retainVersions: got 0, allowed are whole numbers from 1 to ${MAX_RETAINED}; when a deployment fails, CloudFormation goes back to the version `
      + 'before, and what it has not changed yet still names it: keep 1', image,
    );
  }
  checkInteger(retainVersions, { name: 'retainVersions', min: 1, max: MAX_RETAINED }, image);
}

export function hooksOf(image: SandboxImage, source: BoundSource, props: SandboxImageProps): ImageHooks | undefined {
  if (source.hooks !== undefined && props.hooks !== undefined) {
    throw new ValidationError('hooks: the sandbox runtime brings its own; leave hooks out', image);
  }
  return source.hooks ?? props.hooks;
}

export function retainVersionsOf({ retainVersions }: SandboxImageProps): number {
  return retainVersions ?? DEFAULT_RETAINED;
}
