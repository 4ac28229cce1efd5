import type { Allocation } from './allocation';
import { AllocatorError, busy } from './allocator-error';
import { kill } from './kill';
import { launch } from './launch';
import { handOverLaunched, open } from './open';
import { Stopwatch } from './stopwatch';
import type { ConnectedSandbox, CreateRequest } from '../../client/src/protocol/allocator';
import { MAX_LEASE_MS } from '../../client/src/protocol/allocator';
import { newLaunchIntent, sha256 } from '../pool/launch-intent';
import { fingerprintOf, startOf } from '../pool/pool-start';
import type { SandboxRecord } from '../pool/sandbox-record';
import { isLive } from '../pool/sandbox-record';
import type { ClaimOutcome } from '../pool/sandbox-table';

/** Races lost in a row before a caller is sent away; each lost race means that another call won one. */
const CLAIM_ATTEMPTS = 5;
const EXHAUSTED_PAUSE_MS = 5000;

/** Answers the sandbox that the caller's keys name, or makes one. */
export async function create(allocation: Allocation, request: CreateRequest): Promise<ConnectedSandbox> {
  const stopwatch = new Stopwatch(allocation.clock);
  for (let attempt = 0; attempt < CLAIM_ATTEMPTS; attempt++) {
    const named = await stopwatch.measure('find', () => findNamed(allocation, request));
    if (named.sandbox) {
      const connected = await openNamed(allocation, named.sandbox, stopwatch);
      if (connected) return connected;
      continue;
    }
    const record = newRecord(allocation, request, await versionToRun(allocation, stopwatch));
    const outcome = await stopwatch.measure('claim', () => (
      claim(allocation, request, { record, replaces: named.replaces })
    ));
    if (outcome === 'inserted') return startFresh(allocation, record, stopwatch);
  }
  throw busy('Other calls with the same key or idempotencyKey are ahead; ask again.');
}

interface Named {
  readonly sandbox?: { readonly record: SandboxRecord; readonly by: 'key' | 'idempotencyKey' };
  /** The ended sandbox that the key still points at. */
  readonly replaces?: string;
}

async function findNamed({ table, clock }: Allocation, request: CreateRequest): Promise<Named> {
  const now = clock.now();
  if (request.idempotencyKey !== undefined) {
    const entry = await table.findIdempotencyKey(request.idempotencyKey, now);
    if (entry && entry.requestFingerprint !== requestFingerprint(request)) {
      throw new AllocatorError('idempotency_conflict', 'idempotencyKey: it came with a different request less than 24 hours ago. '
        + 'Send the same request, or a new idempotencyKey.');
    }
    const record = entry && await table.get(entry.sandboxId);
    if (record) return { sandbox: { record, by: 'idempotencyKey' } };
  }
  if (request.key === undefined) return {};
  const entry = await table.findKey(request.key);
  const record = entry && await table.get(entry.sandboxId);
  return record && isLive(record, now) ? { sandbox: { record, by: 'key' } } : { replaces: entry?.sandboxId };
}

/** Undefined if a sandbox that only the key named turned out to be gone: then the key takes another. */
async function openNamed(
  allocation: Allocation, named: NonNullable<Named['sandbox']>, stopwatch: Stopwatch,
): Promise<ConnectedSandbox | undefined> {
  try {
    return await open(allocation, named.record, stopwatch);
  } catch (error) {
    if (named.by === 'key' && error instanceof AllocatorError && error.code === 'sandbox_terminated') return undefined;
    throw error;
  }
}

/** Looked up only where it is not at hand, and before anything is written. */
async function versionToRun({ versions }: Allocation, stopwatch: Stopwatch): Promise<string> {
  return versions.atHand ?? stopwatch.measure('version', () => versions.lookUp());
}

function newRecord(
  { ids, clock, configuration }: Allocation, request: CreateRequest, imageVersion: string,
): SandboxRecord {
  const now = clock.now();
  const sandbox = { sandboxId: ids.sandboxId(now), generation: 1 };
  return {
    ...sandbox,
    state: 'starting',
    metadata: request.metadata ?? {},
    ...(request.key !== undefined && { key: request.key }),
    ...(request.idempotencyKey !== undefined && { idempotencyKey: request.idempotencyKey }),
    createdAt: now,
    expiresAt: now + (request.timeoutMs ?? configuration.defaultLeaseMs),
    // The platform counts from the launch, which is later: this never promises too much.
    hardExpiresAt: now + MAX_LEASE_MS,
    daemonPort: configuration.daemonPort,
    hookPort: configuration.hookPort,
    launch: newLaunchIntent(configuration, { ...sandbox, imageVersion }, {
      clientToken: ids.clientToken(), secret: ids.daemonSecret(),
    }),
  };
}

async function claim(
  { table, configuration }: Allocation,
  request: CreateRequest,
  { record, replaces }: { readonly record: SandboxRecord; readonly replaces?: string },
): Promise<ClaimOutcome> {
  const { maxSandboxes } = configuration;
  const outcome = await table.insert(record, {
    now: record.createdAt,
    maxSandboxes,
    requestFingerprint: requestFingerprint(request),
    startFingerprint: fingerprintOf(startOf(configuration)),
    replaces,
  });
  if (outcome === 'exhausted') {
    throw new AllocatorError('pool_exhausted', `The pool is at its limit of ${maxSandboxes} sandboxes (maxSandboxes). `
      + 'Kill one, wait for one to end, or raise the limit.', { afterMs: EXHAUSTED_PAUSE_MS });
  }
  if (outcome === 'closed') {
    throw new AllocatorError('pool_exhausted', 'The pool is being deleted: it gives out no more sandboxes.');
  }
  // The next call reaches a function that knows the new one.
  if (outcome === 'barred') throw busy('The pool is being updated: it is given another image, role or network. Ask again.');
  return outcome;
}

async function startFresh(
  allocation: Allocation, record: SandboxRecord, stopwatch: Stopwatch,
): Promise<ConnectedSandbox> {
  const launched = await launch(allocation, record, stopwatch);
  try {
    return await handOverLaunched(allocation, launched, stopwatch);
  } catch (error) {
    // Without a key nobody can come back for it. A failure to end it now leaves it to its lease.
    const nameless = record.key === undefined && record.idempotencyKey === undefined;
    if (nameless) await kill(allocation, { operation: 'kill', sandboxId: record.sandboxId }).catch(() => undefined);
    throw error;
  }
}

function requestFingerprint({ timeoutMs, metadata, key }: CreateRequest): string {
  const pairs = Object.entries(metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(JSON.stringify([timeoutMs ?? null, key ?? null, pairs]));
}
