import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { CodeAgentStack } from '../../examples/code-agent/stack';
import { QuickstartStack } from '../../examples/quickstart/stack';
import { WebAppStack } from '../../examples/web-app/stack';
import { SandboxNetwork, SandboxPool } from 'cdk-microvm-sandbox';

/** A pool with everything that brings a role of its own: sandboxes that act as a role, in a VPC. */
class RolesStack extends Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const vpc = Vpc.fromVpcAttributes(this, 'Vpc', { vpcId: 'vpc-1', availabilityZones: ['us-east-1a'], privateSubnetIds: ['subnet-1'] });
    const executionRole = new Role(this, 'SandboxRole', { assumedBy: new ServicePrincipal('lambda.amazonaws.com').withSessionTags() });
    const pool = new SandboxPool(this, 'Pool', { network: SandboxNetwork.vpc({ vpc }), executionRole });
    new CfnOutput(this, 'SandboxPool', { value: pool.allocatorArn });
  }
}

/** The stacks whose policies are tried, each with a pool, and whether its sandboxes take commands. */
export const STACKS = [
  { stackName: 'Quickstart', takesCommands: true },
  { stackName: 'CodeAgent', takesCommands: true },
  { stackName: 'WebApp', takesCommands: false },
  { stackName: 'Roles', takesCommands: true },
] as const;

/** All of them in one app, synthesized in this process. Answers the folder of the cloud assembly. */
export async function synthesizeStacks(): Promise<string> {
  // CDK's own check of templates takes ten seconds to load.
  process.env.CDK_VALIDATION = 'false';
  const outdir = await mkdtemp(join(tmpdir(), 'policies-assembly-'));
  const app = new App({ outdir });
  new QuickstartStack(app, 'Quickstart');
  new CodeAgentStack(app, 'CodeAgent');
  new WebAppStack(app, 'WebApp');
  new RolesStack(app, 'Roles');
  app.synth();
  return outdir;
}
