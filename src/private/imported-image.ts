import { ArnFormat, Resource, Stack } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { ISandboxImage, SandboxImageAttributes } from '../sandbox-image';
import { ValidationError } from '../validation-error';

/** An image that exists already. Creates nothing. */
export class ImportedImage extends Resource implements ISandboxImage {
  public readonly imageArn: string;
  public readonly imageName: string;
  public readonly versionPinned: boolean;
  public readonly daemonPort?: number;
  public readonly hookPort?: number;
  private readonly version?: string;

  constructor(scope: Construct, id: string, attrs: SandboxImageAttributes) {
    super(scope, id, { environmentFromArn: attrs.imageArn });
    this.imageArn = attrs.imageArn;
    this.imageName = Stack.of(this).splitArn(attrs.imageArn, ArnFormat.COLON_RESOURCE_NAME).resourceName ?? '';
    this.version = attrs.imageVersion;
    this.versionPinned = attrs.imageVersion !== undefined;
    this.daemonPort = attrs.daemonPort;
    this.hookPort = attrs.hookPort;
  }

  public get imageVersion(): string {
    if (this.version !== undefined) return this.version;
    throw new ValidationError('imageVersion: the image was imported without one, and pools follow it; import it with an imageVersion to pin it', this);
  }

  public get microvmImageRef(): lambda.MicrovmImageReference {
    return { imageArn: this.imageArn };
  }
}
