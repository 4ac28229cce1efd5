import { Stack, Token } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct, IConstruct } from 'constructs';
import { imageArn } from './microvm-arns';
import type { ISandboxImage } from '../sandbox-image';
import { SandboxImage } from '../sandbox-image';
import type { SandboxPoolProps } from '../sandbox-pool-props';

/** The image of a pool: the user's, or a new one under the pool's key. */
export function adaptImage(scope: Construct, { image: ref, encryptionKey }: SandboxPoolProps): ISandboxImage {
  if (ref === undefined) return new SandboxImage(scope, 'Image', { encryptionKey });
  return isSandboxImage(ref) ? ref : SandboxImage.fromMicrovmImage(scope, 'Image', ref);
}

/** From its name, where it is of another stack: that stack exports nothing then. */
export function arnOfImage(scope: Construct, image: ISandboxImage): string {
  const known = !Token.isUnresolved(image.imageName);
  return known && isExported(scope, image, image.imageArn) ? imageArn(scope, image.imageName) : image.imageArn;
}

/** The name, where the template says it. */
export function nameOfImage(image: ISandboxImage, { image: ref }: SandboxPoolProps): string | undefined {
  const name = lambda.CfnMicrovmImage.isCfnMicrovmImage(ref) ? ref.name : image.imageName;
  return Token.isUnresolved(name) ? undefined : name;
}

/**
 * The exact version, or null: the pool looks it up. A version that another stack exports could never change, because CloudFormation
 * refuses to change an export that is in use.
 */
export function versionOfImage(scope: Construct, image: ISandboxImage): string | null {
  if (!image.versionPinned || isExported(scope, image, image.imageVersion)) return null;
  return image.imageVersion;
}

function isSandboxImage(ref: lambda.IMicrovmImageRef): ref is ISandboxImage {
  return 'versionPinned' in ref;
}

function isExported(scope: IConstruct, image: IConstruct, value: string): boolean {
  return Token.isUnresolved(value) && topStack(scope) !== topStack(image);
}

/** Nested stacks hand values to each other without exports. */
function topStack(scope: IConstruct): Stack {
  let stack = Stack.of(scope);
  while (stack.nestedStackParent !== undefined) stack = stack.nestedStackParent;
  return stack;
}
