import { LOCAL_PORT_PREFIX, LOCAL_ROOT_VARIABLE } from '../../client/src/protocol/local';
import { DAEMON_PORT, HOOK_PORT } from '../../src/contract/runtime';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Settings {
  readonly hooks: Address;
  readonly api: Address;
  /** The folder that stands for `/`, if it is another. */
  readonly localRoot?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function settingsFrom(environment: Environment): Settings {
  const localRoot = environment[LOCAL_ROOT_VARIABLE];
  return {
    hooks: address(environment, HOOK_PORT),
    api: address(environment, DAEMON_PORT),
    ...(localRoot ? { localRoot } : {}),
  };
}

function address(environment: Environment, port: number): Address {
  const variable = `${LOCAL_PORT_PREFIX}${port}`;
  const asked = environment[variable];
  // The platform's documents ask for 0.0.0.0, its hooks and proxy arrive over loopback: this serves both.
  if (asked === undefined) return { host: '0.0.0.0', port };
  if (!/^\d{1,5}$/.test(asked) || Number(asked) > 65535) throw new Error(`${variable}: "${asked}" is not a port, 0-65535`);
  return { host: '127.0.0.1', port: Number(asked) };
}
