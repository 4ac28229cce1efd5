import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { SandboxNetwork, SandboxPool } from 'cdk-microvm-sandbox';

/** Sandboxes in a VPC that has no way out. */
const stack = new Stack(new App(), 'IntegVpcNetwork');
const vpc = new ec2.Vpc(stack, 'Vpc', {
  maxAzs: 1,
  natGateways: 0,
  subnetConfiguration: [{ name: 'Sandboxes', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
});
const network = SandboxNetwork.vpc({ vpc, subnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED } });
const pool = new SandboxPool(stack, 'Pool', { network });
new CfnOutput(stack, 'SandboxPool', { value: pool.allocatorArn });
