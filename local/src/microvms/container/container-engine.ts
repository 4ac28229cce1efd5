import { type ChildProcess, spawn } from 'node:child_process';
import { ipProgram } from './ip-program';
import { readLines } from '../machine/output-lines';
import { identity, listProcesses } from '../machine/process-table';

export const ENGINE_NAMES = ['docker', 'podman', 'finch', 'nerdctl'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

/** `none`: images are put together without an engine. `auto`: the first of docker, podman, finch and nerdctl that works, or none. */
export type EngineChoice = 'none' | 'auto' | EngineName;

/** Begins the names of all containers and images that the local cloud makes; only what has it is ever removed. */
export const NAME_PREFIX = 'microvm-sandbox-local';
/** The process that a container belongs to. */
export const OWNER_LABEL = `${NAME_PREFIX}.owner`;
/** The folder that an image is a part of. */
export const FOLDER_LABEL = `${NAME_PREFIX}.folder`;

const PROBE_TIMEOUT_MS = 10_000;
const MAX_OUTPUT = 1024 ** 2;
const KEPT_LINES = 20;

export interface EngineResult {
  readonly code: number;
  readonly output: string;
  /** The last lines of both streams. */
  readonly tail: string;
}

export interface EngineCall {
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** A container engine on this machine, by its command line. */
export class ContainerEngine {
  /** `environment`: what the engine's command line finds in its own, such as where its daemon is. */
  constructor(readonly name: EngineName, private readonly environment: NodeJS.ProcessEnv = process.env) {}

  /** Runs one command of the engine; a failure is an answer like any other. */
  run(command: readonly string[], { onLine, signal }: EngineCall = {}): Promise<EngineResult> {
    return new Promise((resolve, reject) => {
      const child = this.start(command, signal);
      const tail: string[] = [];
      let output = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        if (output.length < MAX_OUTPUT) output += chunk.toString();
      });
      for (const stream of [child.stdout, child.stderr]) {
        if (stream) {
          readLines(stream, (line) => {
            if (tail.push(line) > KEPT_LINES) tail.shift();
            onLine?.(line);
          });
        }
      }
      child.once('error', reject);
      child.once('close', (code) => resolve({ code: code ?? 1, output: output.trim(), tail: tail.join('\n') }));
    });
  }

  /** Runs a command that has to succeed. */
  async must(command: readonly string[], call?: EngineCall): Promise<string> {
    const { code, output, tail } = await this.run(command, call);
    if (code !== 0) throw new Error(`${this.name} ${command[0]} failed with ${code}: ${tail}`);
    return output;
  }

  /** A command that goes on. */
  start(command: readonly string[], signal?: AbortSignal): ChildProcess {
    return spawn(this.name, command, { stdio: ['ignore', 'pipe', 'pipe'], env: this.environment, signal });
  }
}

/** The engine that was asked for. Throws if it does not work on this machine; with `auto` undefined stands for none. */
export async function chooseEngine(choice: EngineChoice): Promise<ContainerEngine | undefined> {
  if (choice === 'none') return undefined;
  if (choice !== 'auto' && !ENGINE_NAMES.includes(choice)) {
    throw new RangeError(`startLocalCloud: engine "${String(choice)}" is none of none, auto, ${ENGINE_NAMES.join(', ')}`);
  }
  const reasons: string[] = [];
  for (const name of choice === 'auto' ? ENGINE_NAMES : [choice]) {
    const engine = new ContainerEngine(name);
    const problem = await findProblem(engine);
    if (problem === undefined) return engine;
    reasons.push(problem);
  }
  if (choice === 'auto') return undefined;
  throw new Error(`startLocalCloud: engine "${choice}" does not work on this machine: ${reasons.join('; ')}; start it, or use "none" or "auto"`);
}

/** This process, as the label of what it starts. */
export function ownerLabel(): string {
  const own = listProcesses().find(({ pid }) => pid === process.pid);
  return own ? identity(own) : `${process.pid}@`;
}

async function findProblem(engine: ContainerEngine): Promise<string | undefined> {
  // The relay into a container is this machine's own node, which only a container of the same system can run.
  if (process.platform !== 'linux') return `containers on ${process.platform} run in a VM that this machine's node cannot enter`;
  if (!ipProgram()) return 'the program ip (of iproute2) is missing, which keeps containers from this machine\'s metadata service';
  try {
    const { code, tail } = await engine.run(['ps', '--quiet'], { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    return code === 0 ? undefined : tail.slice(0, 500) || `"${engine.name} ps" exits with ${code}`;
  } catch (error) {
    return (error as Error).message;
  }
}
