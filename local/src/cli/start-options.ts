import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
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
  const { watch = false, json = false, region, account, state } = flags;
  if (watch && flags.app === undefined) throw new UsageError('--watch needs --app: name the folder of the assembly to watch, as in --app cdk.out');
  const app = flags.app === undefined ? undefined : resolve(flags.app);
  // A watched assembly may come later.
  if (app !== undefined && !watch && !existsSync(join(app, 'manifest.json'))) {
    throw new UsageError(`--app ${flags.app}: there is no manifest.json in it; run \`cdk synth\` first, or name the folder that it wrote`);
  }
  if (state === '') throw new UsageError('--state: name a folder');
  const isolation = flags.isolation === undefined ? undefined : oneOf('--isolation', flags.isolation, ISOLATIONS);
  const engine = flags.engine === undefined ? undefined : oneOf('--engine', flags.engine, ENGINES);
  const timeScale = flags['time-scale'] === undefined ? undefined : scaleOf(flags['time-scale']);
  const { 'run-steps': runSteps, bandwidth } = flags;
  const quotas = flags.quotas === true ? true as const : undefined;
  const port = portOf(flags.port);
  const cloud = { port, region, account, state, isolation, runSteps, engine, quotas, timeScale, bandwidth };
  return { app, watch, json, cloud };
}

function scaleOf(text: string): number {
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

function oneOf<Choice extends string>(flag: string, value: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((candidate) => candidate === value);
  if (!choice) throw new UsageError(`${flag} ${value}: it is none of ${choices.join(', ')}`);
  return choice;
}
