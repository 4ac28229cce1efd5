import type { Allocation } from './allocation';
import { waitFor } from './allocation';
import { notFound, terminated } from './allocator-error';
import { defaultPorts, hasEndpoint, noConnection, openPorts } from './connection';
import { isStarted } from './find-sandbox';
import type { StartedSandbox } from './find-sandbox';
import { joinLaunch } from './launch';
import type { Launched } from './launch';
import type { Stopwatch } from './stopwatch';
import { wake } from './wake';
import type { ConnectedSandbox, Launch } from '../../client/src/protocol/allocator';
import type { SandboxRecord } from '../pool/sandbox-record';
import { isLive, toSandboxInfo } from '../pool/sandbox-record';

/** A call that writes an intent normally has its microVM within this time; nobody else needs to send the intent before. */
const LAUNCH_MS = 3000;
const LOOK_MS = 250;

/** Connects to a sandbox in whatever state it is, finishing a launch that another call began. */
export async function open(
  allocation: Allocation, found: SandboxRecord, stopwatch: Stopwatch,
): Promise<ConnectedSandbox> {
  const record = await stopwatch.measure('wait', () => awaitLaunch(allocation, found));
  if (!isLive(record, allocation.clock.now())) throw terminated(record);
  if (!isStarted(record)) {
    const launched = await joinLaunch(allocation, record, stopwatch);
    if (launched === undefined) return open(allocation, await current(allocation, record), stopwatch);
    return handOverLaunched(allocation, launched, stopwatch);
  }
  const woken = await stopwatch.measure('resume', () => wake(allocation, record));
  return handOver(allocation, woken.record, woken.resumed ? 'resumed' : 'existing', stopwatch);
}

/** The answer after a launch: a sandbox is `cold` for the call that wrote its microVM down, and for no other. */
export function handOverLaunched(
  allocation: Allocation, { record, first }: Launched, stopwatch: Stopwatch,
): Promise<ConnectedSandbox> {
  return handOver(allocation, record, first ? 'cold' : 'existing', stopwatch);
}

/** The answer to `create` and `connect`. */
async function handOver(
  allocation: Allocation, record: StartedSandbox, kind: Launch['kind'], stopwatch: Stopwatch,
): Promise<ConnectedSandbox> {
  const neverUsed = kind === 'cold';
  const connection = await stopwatch.measure('token', () => (
    hasEndpoint(record)
      ? openPorts(allocation, record, { ports: defaultPorts(record), neverUsed })
      : noConnection(allocation, record, neverUsed)
  ));
  return { sandbox: toSandboxInfo(record), connection, launch: { kind, timings: stopwatch.timings } };
}

async function awaitLaunch(allocation: Allocation, found: SandboxRecord): Promise<SandboxRecord> {
  const { clock } = allocation;
  let record = found;
  while (record.state === 'starting' && clock.now() < record.createdAt + LAUNCH_MS && await waitFor(allocation, LOOK_MS)) {
    record = await current(allocation, record);
  }
  return record;
}

async function current({ table }: Allocation, { sandboxId }: SandboxRecord): Promise<SandboxRecord> {
  const record = await table.get(sandboxId);
  if (!record) throw notFound(sandboxId);
  return record;
}
