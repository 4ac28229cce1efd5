import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { describeEachIsolation } from './isolations';
import { eventually, processesWith } from './machine-probe';
import type { Isolation } from '../../../local/src/microvms';
import { endLeftovers } from '../../../local/src/microvms/machine/owner';

const repository = resolve(__dirname, '../../..');

/** A local cloud with a machine, as a program of its own. */
class LoneCloud {
  static async start(isolation: Isolation, state = 'running'): Promise<LoneCloud> {
    const cloud = new LoneCloud(isolation, state);
    try {
      await eventually('the machine', () => cloud.#output.endsWith('machine\n') && cloud.guests().length > 1);
      return cloud;
    } catch (error) {
      cloud.kill();
      throw error;
    }
  }

  readonly #mark = `8${Math.floor(Math.random() * 1e9)}.5`;
  readonly #folder = mkdtempSync(join(tmpdir(), 'mv-tsx-'));
  readonly #program: ChildProcess;
  #output = '';

  private constructor(isolation: Isolation, state: string) {
    const config = join(this.#folder, 'tsconfig.json');
    writeFileSync(config, JSON.stringify({
      compilerOptions: { paths: { 'microvm-sandbox/protocol': [join(repository, 'client/src/protocol/index.ts')] } },
    }));
    this.#program = spawn(process.execPath, ['--import', 'tsx', join(__dirname, 'lone-machine.ts'), isolation, this.#mark, state], {
      cwd: repository,
      env: { ...process.env, TSX_TSCONFIG_PATH: config },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#program.stdout?.on('data', (chunk) => {
      this.#output += String(chunk);
    });
  }

  /** The machine's folder. */
  get machine(): string {
    return this.#output.trim();
  }

  guests(): string[] {
    return processesWith(`sleep\0${this.#mark}`);
  }

  kill(): void {
    this.#program.kill('SIGKILL');
  }

  /** Also what would notice the death of the cloud. */
  killWithWatcher(): void {
    const watchers = processesWith(this.machine).filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('microvm-watcher'));
    expect(watchers).toHaveLength(1);
    for (const pid of watchers) process.kill(Number(pid), 'SIGKILL');
    this.kill();
  }

  clean(): void {
    this.kill();
    rmSync(this.#folder, { recursive: true });
    if (this.machine) rmSync(dirname(this.machine), { recursive: true, force: true });
  }
}

let clouds: LoneCloud[] = [];
const start = async (isolation: Isolation, state?: string): Promise<LoneCloud> => {
  const cloud = await LoneCloud.start(isolation, state);
  clouds.push(cloud);
  return cloud;
};
afterEach(async () => {
  for (const cloud of clouds) cloud.clean();
  clouds = [];
  await endLeftovers();
});

describeEachIsolation((isolation) => {
  test.each(['running', 'suspended'])('a %s machine and its folder go when the local cloud is killed', async (state) => {
    const cloud = await start(isolation, state);
    expect(existsSync(cloud.machine)).toBe(true);
    cloud.kill();
    await eventually('the end', () => cloud.guests().length === 0 && !existsSync(cloud.machine));
  });

  test('machines whose watcher was killed, too, are ended by the next start, and those of a live cloud are not', async () => {
    const [dead, live] = await Promise.all([start(isolation, 'suspended'), start(isolation)]);
    dead.killWithWatcher();
    expect(dead.guests().length).toBeGreaterThan(1);
    const before = live.guests();
    await eventually('the end', () => {
      void endLeftovers();
      return dead.guests().length === 0;
    });
    expect(live.guests()).toEqual(before);
  });
});
