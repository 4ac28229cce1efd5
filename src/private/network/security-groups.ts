import { Names, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { ValidationError } from '../../validation-error';

const MAX_GROUPS = 5;

export function checkSecurityGroups(groups: readonly ec2.ISecurityGroupRef[] | undefined): void {
  if (groups === undefined || (groups.length >= 1 && groups.length <= MAX_GROUPS)) return;
  throw new ValidationError(`securityGroups: got ${groups.length}, allowed are 1 to ${MAX_GROUPS}; leave it out to get a new one`);
}

/** A group whose rules the CDK can write. */
export function withRules(group: ec2.ISecurityGroupRef): ec2.ISecurityGroup {
  if (isSecurityGroup(group)) return group;
  const stack = Stack.of(group);
  const id = `SandboxNetworkRules${Names.nodeUniqueId(group.node)}`;
  const { securityGroupId } = group.securityGroupRef;
  // Only we use this id. As one that lets all out, the CDK would write no rules for it.
  return stack.node.tryFindChild(id) as ec2.ISecurityGroup | undefined
    ?? ec2.SecurityGroup.fromSecurityGroupId(stack, id, securityGroupId, { allowAllOutbound: false });
}

/** Whether nobody knows that a group lets out no more than it was told to. */
export function mayLetAllOut(group: ec2.ISecurityGroupRef): boolean {
  return !isSecurityGroup(group) || group.allowAllOutbound;
}

function isSecurityGroup(group: ec2.ISecurityGroupRef): group is ec2.ISecurityGroup {
  return 'connections' in group && 'addEgressRule' in group;
}
