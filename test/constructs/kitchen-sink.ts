import { Stack, type StackProps, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { DOCKERFILE_DIRECTORY } from './directories';
import { ImageSource, SandboxImage, SandboxNetwork, SandboxPool } from 'cdk-microvm-sandbox';

/** Everything that the constructs can make, in one stack: what it holds is looked at by the checks of whole templates. */
export class KitchenSinkStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);
    const vpc = ec2.Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId: 'vpc-0123456789abcdef0', availabilityZones: ['us-east-1a'], privateSubnetIds: ['subnet-0123456789abcdef0'],
    });
    const network = SandboxNetwork.vpc({ vpc });
    const executionRole = new iam.Role(this, 'SandboxRole', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com').withSessionTags(),
    });
    Validations.of(executionRole).acknowledge({
      id: 'NIST.800.53.R5-IAMNoInlinePolicy', reason: 'The role is the user\'s, who decides where the right to write the log stands.',
    });

    new SandboxPool(this, 'Pool', { network, executionRole });
    new SandboxPool(this, 'OwnServer', {
      image: new SandboxImage(this, 'OwnImage', { source: ImageSource.directory(DOCKERFILE_DIRECTORY), network }),
    });
    new SandboxPool(this, 'Imported', {
      image: SandboxImage.fromSandboxImageAttributes(this, 'ImportedImage', {
        imageArn: this.formatArn({ service: 'lambda', resource: 'microvm-image:elsewhere' }).replace('/', ':'), imageVersion: '3.0',
      }),
    });
  }
}
