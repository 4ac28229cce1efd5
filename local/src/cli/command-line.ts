import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ParseArgsConfig } from 'node:util';
import { parseArgs } from 'node:util';
import { findCloud } from './running-cloud';
import type { Terminal } from './start';
import { START_OPTIONS, startSettings } from './start-options';
import { USAGE, UsageError } from './usage';

type Flags = NonNullable<ParseArgsConfig['options']>;

interface Command<Options extends Flags> {
  readonly name: string;
  readonly args: readonly string[];
  readonly options: Options;
  readonly maxPositionals?: number;
}

const COMMON = { help: { type: 'boolean', short: 'h' } } as const;
const CLOUD = { port: { type: 'string' }, endpoint: { type: 'string' }, json: { type: 'boolean' } } as const;

/* eslint-disable @typescript-eslint/no-require-imports -- each command loads only what it needs: most of a start is loading */
const commands = {
  start: () => require('./start') as typeof import('./start'),
  ps: () => require('./ps') as typeof import('./ps'),
  logs: () => require('./logs') as typeof import('./logs'),
};
/* eslint-enable @typescript-eslint/no-require-imports */

/** Runs one command and answers the exit code: 0, 1 for a failure, 2 for a command line that is not understood. */
export async function runCommandLine(
  args: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const { print, tell } = terminal;
  try {
    const [command, ...rest] = args;
    if (command === '--version') print(version());
    else if (command === undefined) throw new UsageError('give a command: start, ps or logs');
    else if (command === '--help' || command === '-h' || command === 'help') print(USAGE);
    else if (command === 'start') await runStart(rest, terminal, signal);
    else if (command === 'ps') await runPs(rest, terminal);
    else if (command === 'logs') await runLogs(rest, terminal, signal);
    else throw new UsageError(`there is no command "${command}"; there are start, ps and logs`);
    return 0;
  } catch (error) {
    tell(`error: ${error instanceof Error ? error.message : String(error)}`);
    if (!(error instanceof UsageError)) return 1;
    tell('microvm-sandbox-local --help shows how it is used.');
    return 2;
  }
}

async function runStart(args: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<void> {
  const { values } = parse({ name: 'start', args, options: { ...COMMON, ...START_OPTIONS } });
  if (values.help) return terminal.print(USAGE);
  const settings = startSettings(values);
  await commands.start().start(settings, terminal, signal);
}

async function runPs(args: readonly string[], { print }: Terminal): Promise<void> {
  const { values } = parse({ name: 'ps', args, options: { ...COMMON, ...CLOUD } });
  if (values.help) return print(USAGE);
  await commands.ps().ps(await findCloud(values, process.env), values.json ?? false, print);
}

async function runLogs(args: readonly string[], { print }: Terminal, signal: AbortSignal): Promise<void> {
  const options = { ...COMMON, ...CLOUD, follow: { type: 'boolean', short: 'f' } } as const;
  const { values, positionals } = parse({ name: 'logs', args, options, maxPositionals: 1 });
  if (values.help) return print(USAGE);
  const { json = false, follow = false } = values;
  const cloud = await findCloud(values, process.env);
  await commands.logs().logs(cloud, { microvmId: positionals[0], follow, json, print, signal });
}

function parse<Options extends Flags>(command: Command<Options>) {
  const { name, options, maxPositionals = 0 } = command;
  const parsed = parseStrictly(command);
  const [tooMany] = parsed.positionals.slice(maxPositionals);
  if (tooMany === undefined) return parsed;
  const known = maxPositionals === 0 ? `${name} takes options only: ${namesOf(options)}` : `${name} takes the id of one microVM`;
  throw new UsageError(`"${tooMany}" is one argument too many; ${known}`);
}

function parseStrictly<Options extends Flags>({ name, args, options }: Command<Options>) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const [, unknown] = code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? /'(-[^']*)'/.exec(message) ?? [] : [];
    throw new UsageError(unknown === undefined ? message : `${name} has no option ${unknown}; it has ${namesOf(options)}`);
  }
}

function namesOf(options: Flags): string {
  return Object.keys(options).map((option) => `--${option}`).join(', ');
}

function version(): string {
  const file = join(__dirname, '..', '..', 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
