import type { Stack } from 'aws-cdk-lib';
import { App } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { SandboxNetwork } from 'cdk-microvm-sandbox';
import type { Construct } from 'constructs';
import { newStack, readable } from './synthesized';

export const CONNECTOR = 'AWS::Lambda::NetworkConnector';
/** How CDK writes "nothing": CloudFormation would take an empty list for "everything". */
export const NOTHING_OUT = [expect.objectContaining({ CidrIp: '255.255.255.255/32', IpProtocol: 'icmp' })];

export function vpcStack(app = new App()) {
  const stack = newStack('Stack', app);
  return { stack, vpc: new ec2.Vpc(stack, 'Vpc', { maxAzs: 2, natGateways: 1 }) };
}

/** Uses a network as a pool or an image does. */
export function use(network: SandboxNetwork, user: Construct) {
  return network._bind(user);
}

export function countOf(stack: Stack, type: string): number {
  return Object.keys(Template.fromStack(stack).findResources(type)).length;
}

/** The properties of all resources of a type, by the path of their construct below the stack. */
export function byPath(stack: Stack, type: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(Template.fromStack(stack).findResources(type))
    .map(([id, { Properties }]) => [id.replace(/[0-9A-F]{8}$/, ''), readable(Properties)]));
}

/** The texts of the warnings with this id. */
export function warningsOf(stack: Stack, id: string): string[] {
  return Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp(`\\[ack: cdk-microvm-sandbox:${id}\\]`))
    .map(({ entry }) => String(entry.data));
}
