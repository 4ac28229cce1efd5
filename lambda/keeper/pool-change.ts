import * as z from 'zod';
import type { PoolChange } from './update';
import type { PoolResourceProperties } from '../../src/contract/pool';
import { fingerprintOf } from '../pool/pool-start';
import type { PoolStart } from '../pool/pool-start';

const propertiesSchema = z.object({
  ImageArn: z.string(),
  ConnectorArns: z.array(z.string()),
  ExecutionRoleArn: z.string().optional(),
}) satisfies z.ZodType<Omit<PoolResourceProperties, 'ServiceToken'>>;

/** What an update changes, or undefined: nothing that sandboxes depend on. */
export function poolChangeOf(event: object): PoolChange | undefined {
  const { ResourceProperties, OldResourceProperties } = event as Record<'ResourceProperties' | 'OldResourceProperties', unknown>;
  const after = toStart(ResourceProperties);
  const before = toStart(OldResourceProperties);
  // A rollback to a template that does not say it.
  if (after === undefined) return undefined;
  return before !== undefined && fingerprintOf(before) === fingerprintOf(after) ? undefined : { before, after };
}

function toStart(properties: unknown): PoolStart | undefined {
  const { data } = propertiesSchema.safeParse(properties);
  if (data === undefined) return undefined;
  const { ImageArn: imageArn, ConnectorArns: connectorArns, ExecutionRoleArn: executionRoleArn = null } = data;
  return { imageArn, connectorArns, executionRoleArn };
}
