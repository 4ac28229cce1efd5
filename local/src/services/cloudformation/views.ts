import type { ResourceChange, StackRecord, StackResourceRecord } from '../../deploy/stack-engine';

type Members = Readonly<Record<string, unknown>>;

const NOT_CHECKED = { StackDriftStatus: 'NOT_CHECKED' };

/** A stack as DescribeStacks has it. */
export function describedStack(stack: StackRecord): Members {
  return {
    ...commonOf(stack),
    ...(stack.description !== undefined && { Description: stack.description }),
    Parameters: parameterList(stack.parameters),
    RoleARN: stack.roleArn,
    DisableRollback: stack.disableRollback,
    NotificationARNs: [],
    RollbackConfiguration: {},
    Outputs: stack.outputs.map(({ key, value, description, exportName }) => {
      return { OutputKey: key, OutputValue: value, Description: description, ExportName: exportName };
    }),
    Tags: tagList(stack.tags),
    EnableTerminationProtection: stack.terminationProtection,
    DriftInformation: NOT_CHECKED,
  };
}

/** A stack as ListStacks has it. */
export function summarizedStack(stack: StackRecord): Members {
  return { ...commonOf(stack), TemplateDescription: stack.description, DriftInformation: NOT_CHECKED };
}

/** A resource as DescribeStackResources has it. */
export function describedResource(stack: StackRecord, resource: StackResourceRecord): Members {
  const { logicalId, physicalId, type, status, reason, updatedAt } = resource;
  return {
    StackName: stack.name,
    StackId: stack.id,
    LogicalResourceId: logicalId,
    PhysicalResourceId: physicalId || undefined,
    ResourceType: type,
    Timestamp: new Date(updatedAt),
    ResourceStatus: status,
    ResourceStatusReason: reason,
    DriftInformation: { StackResourceDriftStatus: 'NOT_CHECKED' },
  };
}

/** A resource as DescribeStackResource has it. */
export function detailedResource(stack: StackRecord, resource: StackResourceRecord): Members {
  const { Timestamp, ...members } = describedResource(stack, resource);
  return { ...members, LastUpdatedTimestamp: Timestamp, Metadata: '{}' };
}

/** A resource as ListStackResources has it. */
export function summarizedResource(stack: StackRecord, resource: StackResourceRecord): Members {
  const { Timestamp, StackName: _name, StackId: _id, ...members } = describedResource(stack, resource);
  return { ...members, LastUpdatedTimestamp: Timestamp };
}

/** A change as DescribeChangeSet has it. */
export function describedChange(change: ResourceChange): Members {
  const { action, logicalId, physicalId, type, replacement = 'False', properties, replacing = [] } = change;
  const isModified = action === 'Modify';
  return {
    Type: 'Resource',
    ResourceChange: {
      PolicyAction: replacement === 'True' ? 'ReplaceAndDelete' : undefined,
      Action: action,
      LogicalResourceId: logicalId,
      PhysicalResourceId: physicalId,
      ResourceType: type,
      Replacement: isModified ? replacement : undefined,
      Scope: isModified && properties.length > 0 ? ['Properties'] : [],
      Details: isModified ? properties.map((name) => detailOf(name, replacing.includes(name) ? replacement : 'False')) : [],
    },
  };
}

export function parameterList(parameters: StackRecord['parameters']): Members[] {
  return parameters.map(({ key, value, resolvedValue }) => (
    { ParameterKey: key, ParameterValue: value, ResolvedValue: resolvedValue }
  ));
}

export function tagList(tags: Readonly<Record<string, string>>): Members[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

const RECREATION = { True: 'Always', False: 'Never', Conditional: 'Conditionally' } as const;

function detailOf(name: string, replacement: keyof typeof RECREATION): Members {
  return {
    Target: { Attribute: 'Properties', Name: name, RequiresRecreation: RECREATION[replacement] },
    Evaluation: 'Static',
    ChangeSource: 'DirectModification',
  };
}

function commonOf({ id, name, createdAt, updatedAt, deletedAt, status, statusReason }: StackRecord): Members {
  return {
    StackId: id,
    StackName: name,
    CreationTime: new Date(createdAt),
    LastUpdatedTime: updatedAt === undefined ? undefined : new Date(updatedAt),
    DeletionTime: deletedAt === undefined ? undefined : new Date(deletedAt),
    StackStatus: status,
    StackStatusReason: statusReason,
  };
}
