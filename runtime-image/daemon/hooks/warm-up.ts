import { spawn } from 'node:child_process';
import type { Clock } from '../clock';
import type { Identity } from '../identity';

/** Within any time that an image gives its validate hook. */
const WARM_UP_MS = 10_000;

/** What sandboxes start first. A program that the image lacks is skipped. */
const PROGRAMS: readonly (readonly [string, ...string[]])[] = [
  ['bash', '-lc', 'true'],
  ['node', '--eval', 'fetch; require("node:fs/promises")'],
  ['python3', '-c', 'import json, subprocess, urllib.request'],
  ['git', '--version'],
  ['tar', '--version'],
];

/** The platform notes which pages of the snapshot a validated microVM touches, and loads those first in every other. */
export async function warmUp(cwd: string, identity: Identity, clock: Clock): Promise<void> {
  await Promise.all(PROGRAMS.map(async ([program, ...args]) => {
    const child = spawn(program, args, { cwd, stdio: 'ignore', env: { ...process.env, HOME: identity.home }, ...identity.switchTo });
    await new Promise<void>((resolve) => {
      const cancel = clock.after(WARM_UP_MS, () => child.kill('SIGKILL'));
      const done = () => {
        cancel();
        resolve();
      };
      child.once('error', done).once('exit', done);
    });
  }));
}
