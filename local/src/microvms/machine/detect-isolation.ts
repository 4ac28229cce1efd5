import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Isolation } from './machine';
import { startNamespaceMachine } from './namespace-machine';

/**
 * Runs a guest in namespaces once, with all that a guest needs: its own root, loopback, the door in, suspend and resume.
 * `reason` says why `namespaces` is not to be had.
 */
export async function detectIsolation(): Promise<{ isolation: Isolation; reason?: string }> {
  if (process.platform !== 'linux') return { isolation: 'processes', reason: `${process.platform} has no namespaces` };
  const folder = await mkdtemp(join(tmpdir(), 'microvm-probe-'));
  try {
    await runProbe(folder);
    return { isolation: 'namespaces' };
  } catch (error) {
    return { isolation: 'processes', reason: (error as Error).message };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runProbe(folder: string): Promise<void> {
  const rootfs = join(folder, 'rootfs');
  await mkdir(rootfs);
  const machine = await startNamespaceMachine({
    folder: join(folder, 'machine'),
    rootfs,
    command: ['sleep', '60'],
    workingDirectory: '/',
    environment: {},
    ports: [],
    onOutput: () => undefined,
  }, []);
  try {
    // Nobody listens there: a refused connection has passed through the door and the guest's loopback.
    const code = await machine.dial(1).then(() => 'connected', (error: NodeJS.ErrnoException) => error.code);
    if (code !== 'ECONNREFUSED') throw new Error(`The guest's loopback answers ${code}`);
    await machine.suspend();
    await machine.resume();
  } finally {
    await machine.stop();
  }
}
