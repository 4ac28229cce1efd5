import type { Allocation } from './allocation';
import { waitFor } from './allocation';
import { notFound, terminated } from './allocator-error';
import { defaultPorts, openPorts } from './connection';
import { isStarted } from './find-sandbox';
import type { StartedSandbox } from './find-sandbox';
import { launch } from './launch';
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
  if (!isStarted(record)) return handOver(allocation, await launch(allocation, record, stopwatch, false), 'cold', stopwatch);
  const woken = await stopwatch.measure('resume', () => wake(allocation, record));
  return handOver(allocation, woken.record, woken.resumed ? 'resumed' : 'existing', stopwatch);
}

/** The answer to `create` and `connect`. */
export async function handOver(
  allocation: Allocation, record: StartedSandbox, kind: Launch['kind'], stopwatch: Stopwatch,
): Promise<ConnectedSandbox> {
  const options = { ports: defaultPorts(record), neverUsed: kind === 'cold' };
  const connection = await stopwatch.measure('token', () => openPorts(allocation, record, options));
  return { sandbox: toSandboxInfo(record), connection, launch: { kind, timings: stopwatch.timings } };
}

async function awaitLaunch(allocation: Allocation, found: SandboxRecord): Promise<SandboxRecord> {
  const { clock, table } = allocation;
  let record = found;
  while (record.state === 'starting' && clock.now() < record.createdAt + LAUNCH_MS && await waitFor(allocation, LOOK_MS)) {
    const current = await table.get(record.sandboxId);
    if (!current) throw notFound(record.sandboxId);
    record = current;
  }
  return record;
}
