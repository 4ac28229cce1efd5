import type { IamService, Role } from '../../iam/iam-service';
import type { Properties } from '../properties';
import { optionalString, record, records, requiredString, strings } from '../properties';
import type { ResourceType } from '../resource-type';
import { generatedName, unlessGone } from '../resource-type';

export const role: ResourceType = {
  createOnly: ['RoleName', 'Path'],
  name: 'RoleName',
  create(properties, context) {
    const name = optionalString(properties, 'RoleName') ?? generatedName(context, 64);
    const path = optionalString(properties, 'Path');
    const created = context.services.iam.createRole(name, { path, trustPolicy: record(properties, 'AssumeRolePolicyDocument') });
    context.stands(name);
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
  filled.permissionsBoundary = optionalString(properties, 'PermissionsBoundary');
}

export const policy: ResourceType = {
  create(properties, context) {
    const physicalId = generatedName(context, 128);
    context.stands(physicalId);
    attach(context.services.iam, properties);
    return { physicalId, attributes: {} };
  },
  update(resource, properties, { services: { iam } }, before) {
    detach(iam, before);
    attach(iam, properties);
    return resource;
  },
  delete(_, properties, { services }) {
    detach(services.iam, properties);
  },
};

function attach(iam: IamService, properties: Properties): void {
  const name = requiredString(properties, 'PolicyName');
  for (const roleName of strings(properties, 'Roles')) iam.role(roleName).policies.set(name, record(properties, 'PolicyDocument'));
}

function detach(iam: IamService, properties: Properties): void {
  const name = requiredString(properties, 'PolicyName');
  for (const roleName of strings(properties, 'Roles')) if (iam.hasRole(roleName)) iam.role(roleName).policies.delete(name);
}

export const managedPolicy: ResourceType = {
  createOnly: ['ManagedPolicyName', 'Path', 'Description'],
  name: 'ManagedPolicyName',
  create(properties, context) {
    const { iam } = context.services;
    const name = optionalString(properties, 'ManagedPolicyName') ?? generatedName(context, 128);
    const arn = iam.policyArn(optionalString(properties, 'Path') ?? '/', name);
    // A name is taken on every path.
    const isTaken = iam.managedPolicies().some((other) => other.endsWith(`/${name}`));
    if (isTaken) throw new Error(`A policy called ${name} already exists. Duplicate names are not allowed.`);
    iam.putManagedPolicy(arn, record(properties, 'PolicyDocument'));
    context.stands(arn);
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

/** Instance profiles are names here: there are no instances. */
export const instanceProfile: ResourceType = {
  createOnly: ['InstanceProfileName', 'Path'],
  name: 'InstanceProfileName',
  create(properties, context) {
    const name = optionalString(properties, 'InstanceProfileName') ?? generatedName(context, 128);
    const path = optionalString(properties, 'Path') ?? '/';
    for (const roleName of strings(properties, 'Roles')) context.services.iam.role(roleName);
    return { physicalId: name, attributes: { Arn: `arn:aws:iam::${context.account}:instance-profile${path}${name}` } };
  },
  update: (resource) => resource,
  delete() {
    // It was nothing but a name.
  },
};
