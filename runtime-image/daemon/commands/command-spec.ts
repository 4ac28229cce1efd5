import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { CommandRequest } from '../../../client/src/protocol/daemon';
import { WORKSPACE } from '../../../client/src/protocol/daemon';
import { DaemonError, errnoOf, invalid } from '../errors';
import type { Reach } from '../files/reach';
import type { Fields } from '../http/json-body';
import { shown, withoutNul } from '../http/json-body';
import type { Identities, Identity } from '../identity';

export const COMMAND_FIELDS = ['commandId', 'command', 'args', 'cwd', 'env', 'user', 'timeoutMs', 'stdin'] as const;

const COMMAND_ID = /^[A-Za-z0-9_-]{1,64}$/;
const MAX_TITLE = 200;
/** Longer than any microVM lives. */
const MAX_TIMEOUT_MS = 24 * 60 * 60 * 1000;

export function checkCommandId(id: unknown): string {
  if (typeof id === 'string' && COMMAND_ID.test(id)) return id;
  throw invalid(`commandId: ${shown(id)} is not 1-64 letters, digits, "_" or "-"`);
}

export function parseCommandRequest(fields: Fields): CommandRequest {
  const command = fields.optionalText('command');
  const args = fields.get('args');
  if ((command === undefined) === (args === undefined)) throw invalid('command, args: give exactly one of the two');
  const cwd = fields.optionalText('cwd');
  const timeoutMs = fields.optionalInteger('timeoutMs', { min: 1, max: MAX_TIMEOUT_MS });
  return {
    commandId: checkCommandId(fields.get('commandId')),
    ...(command === undefined ? { args: parseArguments(args) } : { command }),
    ...(cwd === undefined ? {} : { cwd }),
    env: parseEnvironment(fields.get('env') ?? {}),
    user: parseUser(fields.get('user') ?? 'sandbox'),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    stdin: fields.flag('stdin'),
  };
}

/** Equal for requests that ask for the same. */
export function fingerprint(request: CommandRequest): string {
  const { command, args, cwd, user, timeoutMs, stdin } = request;
  const env = Object.entries(request.env ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify([command, args, cwd, env, user, timeoutMs, stdin])).digest('hex');
}

export function titleOf(request: CommandRequest): string {
  return (request.command ?? request.args?.join(' ') ?? '').slice(0, MAX_TITLE);
}

export function chooseIdentity(request: CommandRequest, identities: Identities): Identity {
  if (request.user !== 'root') return identities.sandbox;
  if (identities.root) return identities.root;
  throw new DaemonError('permission_denied', 'user: "root" needs a daemon that runs as root; leave it out');
}

/** Where the command starts, as a path of this machine. It may start anywhere, not only within reach of the file API. */
export async function findWorkingDirectory(request: CommandRequest, reach: Reach): Promise<string> {
  const cwd = reach.resolve(request.cwd ?? WORKSPACE, 'cwd');
  const host = reach.toHost(cwd);
  try {
    if ((await stat(host)).isDirectory()) return host;
  } catch (error) {
    throw invalid(`cwd: ${cwd} cannot be entered (${errnoOf(error) ?? 'unknown reason'}); name an existing directory`);
  }
  throw invalid(`cwd: ${cwd} is not a directory`);
}

function parseArguments(args: unknown): string[] {
  if (!Array.isArray(args) || args.length === 0) throw invalid(`args: ${shown(args)} is not a list with a program and its arguments`);
  const texts = args.map((arg: unknown, index) => {
    if (typeof arg !== 'string') throw invalid(`args[${index}]: ${shown(arg)} is not a text`);
    return withoutNul(`args[${index}]`, arg);
  });
  if (texts[0] === '') throw invalid('args[0]: empty; name the program');
  return texts;
}

function parseEnvironment(env: unknown): Record<string, string> {
  if (typeof env !== 'object' || env === null || Array.isArray(env)) throw invalid('env: not an object of texts');
  return Object.fromEntries(Object.entries(env).map(([name, value]: [string, unknown]) => {
    // The value may be a secret: it is not shown.
    if (name === '' || name.includes('=')) throw invalid(`env: ${shown(name)} is not the name of a variable`);
    if (typeof value !== 'string') throw invalid(`env.${name.slice(0, 60)}: not a text`);
    return [withoutNul('env', name), withoutNul(`env.${name.slice(0, 60)}`, value)];
  }));
}

function parseUser(user: unknown): 'sandbox' | 'root' {
  if (user === 'sandbox' || user === 'root') return user;
  throw invalid(`user: ${shown(user)} is neither "sandbox" nor "root"`);
}
