import type { IamService, Role } from '../../services/iam';
import type { Properties } from '../properties';
import { optionalString, record, records, requiredString, strings } from '../properties';
import type { ResourceType } from '../resource-type';
import { generatedName, unlessGone } from '../resource-type';

export const role: ResourceType = {
  createOnly: ['RoleName', 'Path'],
  create(properties, context) {
    const name = optionalString(properties, 'RoleName') ?? generatedName(context, 64);
    const path = optionalString(properties, 'Path');
    const created = context.services.iam.createRole(name, { path, trustPolicy: record(properties, 'AssumeRolePolicyDocument') });
    fill(created, properties, {});
    return { physicalId: name, attributes: { Arn: created.arn, RoleId: created.id } };
  },
  update(resource, properties, { services }, before) {
    const changed = services.iam.role(resource.physicalId);
    changed.trustPolicy = record(properties, 'AssumeRolePolicyDocument');
    fill(changed, properties, before);
    return resource;
  },
  async delete({ physicalId }, _, { services }) {
    await unlessGone(['NoSuchEntity'], () => services.iam.deleteRole(physicalId));
  },
};

/** Leaves alone what separate policy resources put on the role. */
function fill(filled: Role, properties: Properties, before: Properties): void {
  for (const policy of records(before, 'Policies')) filled.policies.delete(requiredString(policy, 'PolicyName'));
  for (const arn of strings(before, 'ManagedPolicyArns')) filled.managedPolicyArns.delete(arn);
  for (const policy of records(properties, 'Policies')) filled.policies.set(requiredString(policy, 'PolicyName'), record(policy, 'PolicyDocument'));
  for (const arn of strings(properties, 'ManagedPolicyArns')) filled.managedPolicyArns.add(arn);
}

export const policy: ResourceType = {
  createOnly: ['PolicyName'],
  create(properties, { services }) {
    const name = requiredString(properties, 'PolicyName');
    for (const roleName of strings(properties, 'Roles')) services.iam.role(roleName).policies.set(name, record(properties, 'PolicyDocument'));
    return { physicalId: name, attributes: {} };
  },
  update(resource, properties, context, before) {
    detach(context.services.iam, resource.physicalId, before);
    return policy.create(properties, context);
  },
  delete({ physicalId }, properties, { services }) {
    detach(services.iam, physicalId, properties);
  },
};

function detach(iam: IamService, name: string, properties: Properties): void {
  for (const roleName of strings(properties, 'Roles')) if (iam.hasRole(roleName)) iam.role(roleName).policies.delete(name);
}

export const managedPolicy: ResourceType = {
  createOnly: ['ManagedPolicyName', 'Path', 'Description'],
  create(properties, context) {
    const { iam } = context.services;
    const name = optionalString(properties, 'ManagedPolicyName') ?? generatedName(context, 128);
    const arn = iam.policyArn(optionalString(properties, 'Path') ?? '/', name);
    iam.putManagedPolicy(arn, record(properties, 'PolicyDocument'));
    for (const roleName of strings(properties, 'Roles')) iam.role(roleName).managedPolicyArns.add(arn);
    return { physicalId: arn, attributes: { PolicyArn: arn } };
  },
  update(resource, properties, { services: { iam } }, before) {
    iam.putManagedPolicy(resource.physicalId, record(properties, 'PolicyDocument'));
    for (const roleName of strings(before, 'Roles')) if (iam.hasRole(roleName)) iam.role(roleName).managedPolicyArns.delete(resource.physicalId);
    for (const roleName of strings(properties, 'Roles')) iam.role(roleName).managedPolicyArns.add(resource.physicalId);
    return resource;
  },
  delete({ physicalId }, _, { services }) {
    services.iam.deleteManagedPolicy(physicalId);
  },
};
