import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { accountProblem, regionProblem } from '../check-options';
import type { LocalCloudOptions } from '../local-cloud-options';
import { UsageError } from './usage';
import { ENGINE_NAMES } from '../microvms/container/container-engine';

/** The options of `start` for `parseArgs`. */
export const START_OPTIONS = {
  'app': { type: 'string' },
  'watch': { type: 'boolean' },
  'json': { type: 'boolean' },
  'port': { type: 'string' },
  'state': { type: 'string' },
  'region': { type: 'string' },
  'account': { type: 'string' },
  'isolation': { type: 'string' },
  'run-steps': { type: 'boolean' },
  'engine': { type: 'string' },
  'quotas': { type: 'boolean' },
  'memory-quota': { type: 'string' },
  'time-scale': { type: 'string' },
  'bandwidth': { type: 'boolean' },
} as const;

export type StartFlags = { [Name in keyof typeof START_OPTIONS]?: (typeof START_OPTIONS)[Name]['type'] extends 'boolean' ? boolean : string };

export interface StartSettings {
  readonly app?: string;
  readonly watch: boolean;
  readonly json: boolean;
  readonly cloud: Omit<LocalCloudOptions, 'onEvent'>;
}

const ISOLATIONS = ['auto', 'namespaces', 'processes'] as const;
const ENGINES = ['none', 'auto', ...ENGINE_NAMES] as const;

export function startSettings(flags: StartFlags): StartSettings {
  const { watch = false, json = false, 'run-steps': runSteps, bandwidth } = flags;
  const cloud = {
    port: portOf(flags.port),
    region: checked('--region', flags.region, regionProblem),
    account: checked('--account', flags.account, accountProblem),
    state: checked('--state', flags.state, (folder) => (folder.trim() === '' ? 'is no folder; name one, or leave --state out' : undefined)),
    isolation: oneOf('--isolation', flags.isolation, ISOLATIONS),
    runSteps,
    engine: oneOf('--engine', flags.engine, ENGINES),
    quotas: quotasOf(flags),
    timeScale: scaleOf(flags['time-scale']),
    bandwidth,
  };
  return { app: appOf(flags), watch, json, cloud };
}

function appOf({ app, watch = false }: StartFlags): string | undefined {
  if (watch && app === undefined) throw new UsageError('--watch needs --app: name the folder of the assembly to watch, as in --app cdk.out');
  if (app === undefined) return undefined;
  if (app === '') throw new UsageError('--app: name the folder that `cdk synth` wrote, as in --app cdk.out');
  // A watched assembly may come later.
  if (watch || existsSync(join(app, 'manifest.json'))) return resolve(app);
  throw new UsageError(`--app ${app}: there is no manifest.json in it; run \`cdk synth\` first, or name the folder that it wrote`);
}

function quotasOf({ quotas: defaults = false, 'memory-quota': memory }: StartFlags): LocalCloudOptions['quotas'] {
  if (memory === undefined) return defaults ? true : undefined;
  if (!/^[1-9]\d{0,14}$/.test(memory)) {
    throw new UsageError(`--memory-quota ${memory}: give a whole number of MiB above 0, as in 4096 for two microVMs of 2048 MiB`);
  }
  return { defaults, memoryMib: Number(memory) };
}

function checked(
  flag: string, value: string | undefined, problemOf: (value: string) => string | undefined,
): string | undefined {
  const problem = value === undefined ? undefined : problemOf(value);
  if (problem) throw new UsageError(`${flag} ${value}: it ${problem}`);
  return value;
}

function scaleOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const scale = Number(text);
  if (text.trim() === '' || !Number.isFinite(scale) || scale < 0) {
    throw new UsageError(`--time-scale ${text}: give a number from 0 (no delays) to 1 (as long as on AWS) or more`);
  }
  return scale;
}

export function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) throw new UsageError(`--port ${text}: a port is a whole number from 0 to 65535`);
  return port;
}

function oneOf<Choice extends string>(
  flag: string, value: string | undefined, choices: readonly Choice[],
): Choice | undefined {
  if (value === undefined) return undefined;
  const choice = choices.find((candidate) => candidate === value);
  if (!choice) throw new UsageError(`${flag} ${value}: it is none of ${choices.join(', ')}`);
  return choice;
}
