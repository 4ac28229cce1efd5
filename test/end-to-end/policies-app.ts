import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { CfnMicrovmImage } from 'aws-cdk-lib/aws-lambda';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { BaseImage, ImageSource, SandboxExecutionRole, SandboxImage, SandboxNetwork, SandboxPool } from 'cdk-microvm-sandbox';
import type { Construct } from 'constructs';
import { CodeAgentStack } from '../../examples/code-agent/stack';
import { QuickstartStack } from '../../examples/quickstart/stack';
import { WebAppStack } from '../../examples/web-app/stack';
import { nativeImage } from '../constructs/native-image';

/** Where the build contexts lie that no stack publishes. */
export const SOURCES = { bucket: 'policies-sources', key: 'app.zip' } as const;

/** Below the time that the keepers are given. */
const REBUILD_SCHEDULE = Schedule.rate(Duration.minutes(3));

/** Every kind of image, and a pool with everything that brings a role of its own: sandboxes that act as a role, in a VPC. */
class RolesStack extends Stack {
  constructor(scope: Construct, id: string, objectVersion: string) {
    super(scope, id);
    const vpc = Vpc.fromVpcAttributes(this, 'Vpc', { vpcId: 'vpc-1', availabilityZones: ['us-east-1a'], privateSubnetIds: ['subnet-1'] });
    const image = new SandboxImage(this, 'Following', { baseImage: BaseImage.latest(), rebuildOnNewBase: REBUILD_SCHEDULE });
    const executionRole = new SandboxExecutionRole(this, 'SandboxRole');
    const pool = new SandboxPool(this, 'Pool', { image, network: SandboxNetwork.vpc({ vpc }), executionRole });
    new CfnOutput(this, 'SandboxPool', { value: pool.allocatorArn });

    const sources = Bucket.fromBucketName(this, 'Sources', SOURCES.bucket);
    const repository = Repository.fromRepositoryName(this, 'Repository', 'app');
    new SandboxImage(this, 'InPlace', { source: ImageSource.bucket(sources, SOURCES.key) });
    new SandboxImage(this, 'Copied', { source: ImageSource.bucket(sources, SOURCES.key, { objectVersion }) });
    new SandboxImage(this, 'Pulled', { source: ImageSource.ecr(repository, `sha256:${'0123456789abcdef'.repeat(4)}`) });
    const native = new SandboxPool(this, 'NativePool', { image: this.nativeImage() });
    new CfnOutput(this, 'NativePoolArn', { value: native.allocatorArn });
  }

  /** Of AWS's own resource, with a role of the user's. */
  private nativeImage(): CfnMicrovmImage {
    const buildRole = new SandboxExecutionRole(this, 'NativeBuildRole');
    buildRole.addToPolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: [`arn:aws:s3:::${SOURCES.bucket}/${SOURCES.key}`] }));
    const image = nativeImage(this, {
      name: 'policies-native',
      buildRoleArn: buildRole.roleArn,
      codeArtifact: { uri: `s3://${SOURCES.bucket}/${SOURCES.key}` },
    });
    image.node.addDependency(buildRole);
    return image;
  }
}

/** The stacks whose policies are tried, with the outputs that name their pools, and whether the sandboxes of these take commands. */
export const STACKS = [
  { stackName: 'Quickstart', pools: [{ output: 'SandboxPool', takesCommands: true }] },
  { stackName: 'CodeAgent', pools: [{ output: 'SandboxPool', takesCommands: true }] },
  { stackName: 'WebApp', pools: [{ output: 'SandboxPool', takesCommands: false }] },
  { stackName: 'Roles', pools: [{ output: 'SandboxPool', takesCommands: true }, { output: 'NativePoolArn', takesCommands: false }] },
] as const;

/** All of them in one app, synthesized in this process. Answers the folder of the cloud assembly. */
export async function synthesizeStacks(objectVersion: string): Promise<string> {
  const outdir = await mkdtemp(join(tmpdir(), 'policies-assembly-'));
  const app = new App({ outdir });
  new QuickstartStack(app, 'Quickstart');
  new CodeAgentStack(app, 'CodeAgent');
  new WebAppStack(app, 'WebApp');
  new RolesStack(app, 'Roles', objectVersion);
  app.synth();
  return outdir;
}
