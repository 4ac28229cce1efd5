import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as customResources from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import { HandlerFunction } from './handler-function';
import { handlerRole } from './handler-role';
import { anyMicrovmArn } from './microvm-arns';
import { acknowledgeFramework, acknowledgeLogGroup, acknowledgeWildcard, ONLY_WILDCARD } from './nag-suppressions';
import { IMAGE_BUILDER_HANDLERS } from '../contract/image';
import { ValidationError } from '../validation-error';

const ID = 'MicrovmSandboxImageBuilder';

/** A role's inline policies have 10 240 characters together, and an image with long names takes 1500 of them. */
const MAX_IMAGES = 6;

/** Creates, updates and deletes the images of a stack. */
export class ImageBuilderProvider extends Construct {
  /** The stack's one provider, made on first use. */
  public static of(scope: Construct): ImageBuilderProvider {
    const stack = Stack.of(scope);
    return stack.node.tryFindChild(ID) as ImageBuilderProvider | undefined ?? new ImageBuilderProvider(stack, ID);
  }

  public readonly serviceToken: string;
  /** What the handlers run as. Each image attaches its own policy, so that it goes after the image and not before. */
  public readonly role: iam.Role;

  private images = 0;

  private constructor(scope: Construct, id: string) {
    super(scope, id);
    const logGroup = new logs.LogGroup(this, 'Logs', {
      retention: logs.RetentionDays.TWO_WEEKS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledgeLogGroup(logGroup);
    this.role = handlerRole(this, 'Role', logGroup);
    // The service evaluates both on * whatever they name.
    this.role.addToPolicy(new iam.PolicyStatement({ actions: ['lambda:CreateMicrovmImage', 'lambda:ListMicrovms'], resources: ['*'] }));
    // An image can be deleted only when no microVM of it runs.
    this.role.addToPolicy(new iam.PolicyStatement({ actions: ['lambda:TerminateMicrovm'], resources: [anyMicrovmArn(this)] }));
    for (const arn of ['*', anyMicrovmArn(this)]) acknowledgeWildcard(this.role, arn, ONLY_WILDCARD);
    const handler = (handlerId: string, entry: string) => new HandlerFunction(this, handlerId, {
      name: 'image-builder',
      entry,
      description: `image-builder ${entry}: MicroVM images of stack ${Stack.of(this).stackName}`,
      // The handlers wait some minutes for IAM, twice at most.
      timeout: Duration.minutes(12),
      logGroup,
      role: this.role,
    });
    const provider = new customResources.Provider(this, 'Provider', {
      onEventHandler: handler('OnEvent', IMAGE_BUILDER_HANDLERS.onEvent),
      isCompleteHandler: handler('IsComplete', IMAGE_BUILDER_HANDLERS.isComplete),
      queryInterval: Duration.seconds(10),
      // CloudFormation gives up after an hour, and the time of the queries comes on top of this: the provider must be the first to
      // give up, because it can say why.
      totalTimeout: Duration.minutes(45),
      logGroup,
      frameworkOnEventRole: handlerRole(this, 'FrameworkOnEventRole', logGroup),
      frameworkCompleteAndTimeoutRole: handlerRole(this, 'FrameworkCompleteRole', logGroup),
    });
    acknowledgeFramework(this, provider);
    this.serviceToken = provider.serviceToken;
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
}
