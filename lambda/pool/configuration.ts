import * as z from 'zod';
import { MAX_LEASE_MS, MIN_LEASE_MS } from '../../client/src/protocol/allocator';
import { POOL_CONFIGURATION_VARIABLE } from '../../src/contract/pool';
import type { PoolConfiguration } from '../../src/contract/pool';

const port = z.int().min(1).max(65535);
const arn = z.string().startsWith('arn:');

/**
 * An upgrade changes a function's code and its environment one after the other: what is unknown here is for the code to come, and what an
 * earlier construct did not render is optional.
 *
 * Connector lists may not be empty: the service reads an empty list as public ingress or internet egress.
 */
const configurationSchema = z.object({
  poolName: z.string().min(1).optional(),
  tableName: z.string().min(1),
  imageArn: arn,
  imageVersion: z.string().min(1).nullable(),
  daemonPort: port.nullable(),
  hookPort: port.nullable(),
  executionRoleArn: arn.nullable(),
  logGroupName: z.string().min(1).nullable(),
  ingressConnectorArns: z.array(arn).min(1),
  egressConnectorArns: z.array(arn).length(1),
  maxSandboxes: z.int().min(1),
  defaultLeaseMs: z.int().min(MIN_LEASE_MS).max(MAX_LEASE_MS),
  idle: z.object({ afterSeconds: z.int().min(60).max(28_800), then: z.enum(['suspend', 'terminate']) }).nullable(),
}) satisfies z.ZodType<Omit<PoolConfiguration, 'poolName'>>;

/** Reads the pool's configuration, and names the member that is wrong. */
export function parsePoolConfiguration(environment: Readonly<Record<string, string | undefined>>): PoolConfiguration {
  const text = environment[POOL_CONFIGURATION_VARIABLE];
  if (text === undefined) {
    throw new Error(`The environment variable ${POOL_CONFIGURATION_VARIABLE} is not set; SandboxPool sets it on this function.`);
  }
  const parsed = configurationSchema.safeParse(parseJson(text));
  if (parsed.success) return { ...parsed.data, poolName: parsed.data.poolName ?? parsed.data.tableName };
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'value'}: ${issue.message}`);
  throw new Error(`The environment variable ${POOL_CONFIGURATION_VARIABLE} is malformed: ${problems.join('; ')}.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
