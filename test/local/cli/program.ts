import type { ChildProcessByStdio } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';

const REPOSITORY = resolve(__dirname, '../../..');
/** The command line as its sources have it. */
const FROM_SOURCES = ['--import', 'tsx', join(REPOSITORY, 'local/src/cli/main.ts')];
/** The command line as it is installed. */
export const BUILT = [join(REPOSITORY, 'local/bin/microvm-sandbox-local.js')];

export interface Ready {
  readonly endpoints: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly stacks: readonly { stackName: string; outputs: Record<string, string> }[];
}

/** A place of its own for everything that programs of a test leave behind, and the programs. */
export class ProgramHome {
  readonly folder = mkdtempSync(join(tmpdir(), 'cli-test-'));
  readonly #programs: Program[] = [];

  /** `entry`: what Node is to run. */
  constructor(private readonly entry: readonly string[] = FROM_SOURCES) {
    mkdirSync(join(this.folder, 'tmp'));
    // What tsx has translated already is good for every program.
    const translated = `tsx-${process.geteuid?.()}`;
    mkdirSync(join(tmpdir(), translated), { recursive: true });
    symlinkSync(join(tmpdir(), translated), join(this.folder, 'tmp', translated));
    const paths = { 'microvm-sandbox/protocol': [join(REPOSITORY, 'client/src/protocol/index.ts')] };
    writeFileSync(join(this.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { paths } }));
  }

  run(...args: string[]): Program {
    const { AWS_ENDPOINT_URL: _, ...rest } = process.env;
    const program = new Program(spawn(process.execPath, [...this.entry, ...args], {
      cwd: REPOSITORY,
      env: {
        ...rest,
        TSX_TSCONFIG_PATH: join(this.folder, 'tsconfig.json'),
        TMPDIR: join(this.folder, 'tmp'),
        XDG_STATE_HOME: join(this.folder, 'xdg'),
        NODE_NO_WARNINGS: '1',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    }));
    this.#programs.push(program);
    return program;
  }

  /** Starts a local cloud and waits until it is ready. */
  async start(...args: string[]): Promise<{ program: Program; ready: Ready }> {
    const program = this.run('start', '--json', ...args);
    return { program, ready: JSON.parse(await program.line()) as Ready };
  }

  /** Folders of local clouds that are there. */
  cloudFolders(): string[] {
    return readdirSync(join(this.folder, 'tmp')).filter((name) => name.startsWith('microvm-local-'));
  }

  runFiles(): string[] {
    return readdirSync(join(this.folder, 'xdg', 'microvm-sandbox-local', 'runs'));
  }

  async end(): Promise<void> {
    for (const program of this.#programs) program.kill('SIGKILL');
    await Promise.all(this.#programs.map(({ exit }) => exit));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class Program {
  stdout = '';
  stderr = '';
  readonly #exit: Promise<number | string>;
  #ended = false;

  constructor(private readonly child: ChildProcessByStdio<null, Readable, Readable>) {
    child.stdout.on('data', (chunk) => (this.stdout += String(chunk)));
    child.stderr.on('data', (chunk) => (this.stderr += String(chunk)));
    this.#exit = new Promise((done) => child.once('close', (code, signal) => {
      this.#ended = true;
      done(code ?? signal ?? '');
    }));
  }

  /** The exit code, or the signal that ended it. Whoever asks waits 25 s at most. */
  get exit(): Promise<number | string> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no end within 25 s; stdout: ${this.stdout}\nstderr: ${this.stderr}`)), 25_000);
    });
    return Promise.race([this.#exit, late]).finally(() => clearTimeout(timer));
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** The first line of standard output. */
  async line(): Promise<string> {
    await this.until('a line', () => this.stdout.includes('\n'));
    return this.stdout.split('\n')[0];
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    for (const end = Date.now() + 20_000; !holds();) {
      if (this.#ended || Date.now() > end) throw new Error(`no ${what}; stdout: ${this.stdout}\nstderr: ${this.stderr}`);
      await new Promise((resume) => setTimeout(resume, 20));
    }
  }
}

/** Pids of the processes whose command line has this text, as Linux tells. */
export function processesWith(text: string, inEnvironment = ''): number[] {
  const others = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  const holds = (file: string, part: string): boolean => readFileSync(file, 'latin1').includes(part);
  return others.map(Number).filter((pid) => {
    try {
      return holds(`/proc/${pid}/cmdline`, text) && holds(`/proc/${pid}/environ`, inEnvironment);
    } catch {
      // It has ended in the meantime.
      return false;
    }
  });
}
