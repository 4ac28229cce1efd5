import type { Clock } from '../clock';
import type { CommandRegistry } from '../commands/command-registry';
import type { FileSystem } from '../files/file-system';
import type { Exchange } from '../http/exchange';
import type { Identities } from '../identity';
import type { Limits } from '../limits';
import type { Session } from '../session';

/** What operations work with. */
export interface Services {
  readonly session: Session;
  readonly commands: CommandRegistry;
  readonly files: FileSystem;
  readonly identities: Identities;
  readonly clock: Clock;
  readonly limits: Limits;
  /** The environment that commands inherit. */
  readonly environment: NodeJS.ProcessEnv;
}

/** Answers one route, or throws; see `reject`. */
export type Operation = (exchange: Exchange, services: Services) => Promise<void>;
