import { App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { SandboxPool, SandboxVpcEndpoints } from 'cdk-microvm-sandbox';
import { addCaller } from './integ-caller';

/** A function in a VPC without a way out, which reaches the pool and its sandboxes. */
const stack = new Stack(new App(), 'IntegVpcEndpoints');
const pool = new SandboxPool(stack, 'Pool');
const vpc = new ec2.Vpc(stack, 'Vpc', {
  maxAzs: 2,
  natGateways: 0,
  subnetConfiguration: [{ name: 'Callers', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }],
});
new SandboxVpcEndpoints(stack, 'Endpoints', { vpc, pools: [pool] });

addCaller(stack, pool, { vpc, vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_ISOLATED } });
