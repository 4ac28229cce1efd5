import * as z from 'zod';
import { AllocatorError } from './allocator-error';
import { cursorPattern } from './list-cursor';
import { explain } from './request-problem';
import type {
  AllocatorEvent, AllocatorOperation, AllocatorRequest, ConnectRequest, CreateRequest, ExtendRequest, KillRequest,
  ListRequest, PauseRequest, ResumeRequest, SandboxState, TokenRequest,
} from '../../client/src/protocol/allocator';
import { ALLOCATOR_PROTOCOL_VERSION, MAX_LEASE_MS, MIN_LEASE_MS } from '../../client/src/protocol/allocator';

const STATES = ['starting', 'running', 'paused', 'terminating', 'terminated'] as const satisfies readonly SandboxState[];

const version = z.literal(ALLOCATOR_PROTOCOL_VERSION);

const LEASE = `allowed: a whole number of milliseconds from ${MIN_LEASE_MS} to ${MAX_LEASE_MS}`;
const lease = z.number(LEASE).int(LEASE).min(MIN_LEASE_MS, LEASE).max(MAX_LEASE_MS, LEASE);

const SANDBOX_ID = 'allowed: the id that create answered, `sbx-` and 26 characters';
// Any word passes: one that is no id of ours is answered like an id that is gone.
const sandboxId = z.string(SANDBOX_ID).regex(/^[A-Za-z0-9_-]{1,64}$/, SANDBOX_ID);

const NAME = 'allowed: a text of 1 to 256 characters';
const name = z.string(NAME).min(1, NAME).max(256, NAME);

const PAIRS = 'allowed: at most 20 pairs of a key of 1 to 128 and a value of at most 1024 characters';
const metadata = z.record(z.string(PAIRS).min(1, PAIRS).max(128, PAIRS), z.string(PAIRS).max(1024, PAIRS), PAIRS)
  .refine((pairs) => Object.keys(pairs).length <= 20, PAIRS);

const LIMIT = 'allowed: a whole number from 1 to 100';
const STATE = `allowed: a list of ${STATES.join(', ')}`;
const CURSOR = 'allowed: the cursor of the page before, as it was answered';
const PORTS = 'allowed: 1 to 10 whole numbers from 1 to 65535';

const create = z.strictObject({
  operation: z.literal('create'),
  version,
  timeoutMs: lease.optional(),
  metadata: metadata.optional(),
  key: name.optional(),
  idempotencyKey: name.optional(),
}) satisfies z.ZodType<AllocatorEvent<CreateRequest>>;

const connect = z.strictObject({ operation: z.literal('connect'), version, sandboxId }) satisfies z.ZodType<AllocatorEvent<ConnectRequest>>;

const list = z.strictObject({
  operation: z.literal('list'),
  version,
  metadata: metadata.optional(),
  states: z.array(z.enum(STATES, STATE), STATE).min(1, STATE).max(STATES.length, STATE).optional(),
  limit: z.number(LIMIT).int(LIMIT).min(1, LIMIT).max(100, LIMIT).optional(),
  cursor: z.string(CURSOR).regex(cursorPattern, CURSOR).optional(),
}) satisfies z.ZodType<AllocatorEvent<ListRequest>>;

const extend = z.strictObject({
  operation: z.literal('extend'), version, sandboxId, timeoutMs: lease,
}) satisfies z.ZodType<AllocatorEvent<ExtendRequest>>;

const pause = z.strictObject({ operation: z.literal('pause'), version, sandboxId }) satisfies z.ZodType<AllocatorEvent<PauseRequest>>;
const resume = z.strictObject({ operation: z.literal('resume'), version, sandboxId }) satisfies z.ZodType<AllocatorEvent<ResumeRequest>>;
const kill = z.strictObject({ operation: z.literal('kill'), version, sandboxId }) satisfies z.ZodType<AllocatorEvent<KillRequest>>;

const token = z.strictObject({
  operation: z.literal('token'),
  version,
  sandboxId,
  ports: z.array(z.number(PORTS).int(PORTS).min(1, PORTS).max(65535, PORTS), PORTS).min(1, PORTS).max(10, PORTS),
}) satisfies z.ZodType<AllocatorEvent<TokenRequest>>;

const schemas = {
  create, connect, list, extend, pause, resume, kill, token,
} satisfies Record<AllocatorOperation, z.ZodType>;

export const OPERATIONS = Object.keys(schemas) as AllocatorOperation[];

/** The request in an event. Throws an `AllocatorError` that names the field, what it holds and what it may hold. */
export function parseRequest(event: unknown): AllocatorRequest {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) {
    throw new AllocatorError('invalid_argument', 'The payload must be a JSON object with the members version and operation.');
  }
  const { version: spoken, operation } = event as { version?: unknown; operation?: unknown };
  if (spoken !== ALLOCATOR_PROTOCOL_VERSION) {
    throw new AllocatorError('protocol_version', `version: this allocator speaks version ${ALLOCATOR_PROTOCOL_VERSION}. `
      + 'Use a client of the same release as the pool\'s constructs.');
  }
  const known = OPERATIONS.find((candidate) => candidate === operation);
  if (!known) {
    throw new AllocatorError('invalid_argument', `operation: unknown; allowed: ${OPERATIONS.join(', ')}.`);
  }
  const parsed = schemas[known].safeParse(event);
  if (parsed.success) return parsed.data;
  throw new AllocatorError('invalid_argument', explain(parsed.error.issues[0], event, Object.keys(schemas[known].shape)));
}
