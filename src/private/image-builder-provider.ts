import { Aspects, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as customResources from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import { allowLogs } from './encryption';
import { HandlerFunction } from './handler-function';
import { handlerRole } from './handler-role';
import { anyMicrovmArn } from './microvm-arns';
import { acknowledgeFramework, acknowledgeLogGroup, acknowledgeWildcard, ONLY_WILDCARD } from './nag-suppressions';
import { IMAGE_BUILDER_HANDLERS } from '../contract/image';
import { ValidationError } from '../validation-error';

const ID = 'MicrovmSandboxImageBuilder';

/** IAM attaches 10 managed policies to a role, and each image brings one. */
const MAX_IMAGES = 10;

type Entry = keyof typeof IMAGE_BUILDER_HANDLERS;

/** Creates, updates and deletes the images of a stack. */
export class ImageBuilderProvider extends Construct {
  /**
   * The stack's one provider, made on first use. One for all keys: CloudFormation never takes another provider for a resource that exists,
   * so an image could not be given a key, or another one.
   */
  public static of(scope: Construct, encryptionKey?: kms.IKey): ImageBuilderProvider {
    const stack = Stack.of(scope);
    const provider = stack.node.tryFindChild(ID) as ImageBuilderProvider | undefined
      ?? new ImageBuilderProvider(stack, ID);
    if (encryptionKey !== undefined) provider.encryptWith(encryptionKey);
    return provider;
  }

  public readonly serviceToken: string;
  /** What the handlers run as. Each image attaches its own policy, so that it goes after the image and not before. */
  public readonly role: iam.Role;

  private readonly logGroup: logs.LogGroup;
  private images = 0;
  private encrypted = false;
  private rebuilder?: lambda.Function;

  private constructor(scope: Construct, id: string) {
    super(scope, id);
    this.logGroup = new logs.LogGroup(this, 'Logs', {
      retention: logs.RetentionDays.TWO_WEEKS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // Once all images are there: one of them may bring a key.
    Aspects.of(this.logGroup).add({
      visit: (node) => {
        if (node === this.logGroup) acknowledgeLogGroup(this.logGroup);
      },
    });
    this.role = handlerRole(this, 'Role', this.logGroup);
    // The service evaluates both on * whatever they name.
    this.role.addToPolicy(new iam.PolicyStatement({ actions: ['lambda:CreateMicrovmImage', 'lambda:ListMicrovms'], resources: ['*'] }));
    // An image can be deleted only when no microVM of it runs.
    this.role.addToPolicy(new iam.PolicyStatement({ actions: ['lambda:TerminateMicrovm'], resources: [anyMicrovmArn(this)] }));
    for (const arn of ['*', anyMicrovmArn(this)]) acknowledgeWildcard(this.role, arn, ONLY_WILDCARD);
    this.serviceToken = this.createProvider().serviceToken;
  }

  /** Builds images again when the service has a newer base; made on first use. */
  public get rebuild(): lambda.Function {
    this.rebuilder ??= this.handler('Rebuild', 'rebuild', Duration.minutes(15));
    return this.rebuilder;
  }

  /** Counts the images, and refuses one too many: the deployment would find out halfway. */
  public admit(image: Construct): void {
    this.images += 1;
    if (this.images > MAX_IMAGES) {
      throw new ValidationError(
        `a stack has room for ${MAX_IMAGES} images, because IAM limits the policies of the role that builds them; `
        + 'put this one into another stack', image,
      );
    }
  }

  /** With the first key that an image of the stack names. The logs and variables of all images are together, and take one. */
  private encryptWith(key: kms.IKey): void {
    if (this.encrypted) return;
    this.encrypted = true;
    allowLogs(this, key);
    for (const child of this.node.findAll()) {
      if (child instanceof logs.CfnLogGroup) child.kmsKeyId = key.keyArn;
      if (child instanceof lambda.CfnFunction && child.environment !== undefined) child.kmsKeyArn = key.keyArn;
    }
  }

  private createProvider(): customResources.Provider {
    const handler = this.handler('Handler', 'provide', Duration.minutes(5));
    const provider = new customResources.Provider(this, 'Provider', {
      onEventHandler: handler,
      isCompleteHandler: handler,
      queryInterval: Duration.seconds(10),
      // CloudFormation gives up after an hour, and the time of the queries comes on top of this: the provider must be the first to
      // give up, because it can say why.
      totalTimeout: Duration.minutes(45),
      logGroup: this.logGroup,
      frameworkOnEventRole: handlerRole(this, 'FrameworkOnEventRole', this.logGroup),
      frameworkCompleteAndTimeoutRole: handlerRole(this, 'FrameworkCompleteRole', this.logGroup),
    });
    acknowledgeFramework(this, provider);
    return provider;
  }

  private handler(id: string, entry: Entry, timeout: Duration): HandlerFunction {
    return new HandlerFunction(this, id, {
      name: 'image-builder',
      entry: IMAGE_BUILDER_HANDLERS[entry],
      description: `image-builder ${entry}: MicroVM images of stack ${Stack.of(this).stackName}`,
      timeout,
      logGroup: this.logGroup,
      role: this.role,
    });
  }
}
