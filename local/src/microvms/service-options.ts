import type { ConnectorDirectory, LogSink, ObjectReader } from '../api';
import type { Clock } from '../clock';
import type { MicrovmFaults } from '../faults/microvm-faults';
import type { RoleAssumer } from '../role-session';
import type { FileDisposal } from '../state/file-disposal';
import type { ContainerEngine } from './container/container-engine';
import { DEFAULT_TIME_SCALE, scaledDelays } from './delays';
import type { Isolation } from './machine/machine';
import { type MemoryCounting, type MicrovmQuotas, readQuotas } from './quotas';

/** How strictly and how slowly the service works. */
export interface ServiceBehaviour {
  /**
   * Seconds here for a second that the MicroVMs service takes from state to state: 1 takes as long as AWS, 0 no time. Builds of images take
   * what they take here. Default: 0.02.
   */
  readonly timeScale?: number;
  /**
   * What the account may use of the MicroVMs: `true` for what a new account may in this Region, or the quotas by name. Default: there is no
   * limit.
   */
  readonly quotas?: true | MicrovmQuotas;
  /** How a microVM counts towards `quotas.memoryMib`: by its size, or by the peak it may reach, four times that. Default: `baseline`. */
  readonly memoryCounting?: MemoryCounting;
  /**
   * A microVM is TERMINATED as soon as it was suspended for its `suspendedDurationSeconds`, or only at the end of its maximum duration; both
   * were seen on AWS. Default: `exact`.
   */
  readonly suspendedExpiry?: 'exact' | 'lazy';
}

/** All that a service is made of. */
export interface MicrovmServiceOptions extends ServiceBehaviour {
  /** 12 digits. */
  readonly account: string;
  readonly region: string;
  /** Has to run until `close` is done. */
  readonly clock: Clock;
  /** Where code artifacts are read from. */
  readonly objects: ObjectReader;
  readonly logs: LogSink;
  /** Build roles read artifacts and write build logs; execution roles write logs and are the guest's credentials. */
  readonly roles: RoleAssumer;
  /** Images and machines live below it; no guest sees it. For this service alone. */
  readonly folder: string;
  readonly isolation: Isolation;
  /** What a user should know although nothing failed: steps of a Dockerfile that are left out, machines that did not start. */
  readonly onWarning?: (message: string) => void;
  /** Built images stay in `folder` after `close`, for a later `restore`. Default: they are removed. */
  readonly keepImages?: boolean;
  /** Takes the files of what was deleted. Default: they are removed at once. */
  readonly disposal?: FileDisposal;
  /** Told when something has changed that no request waits for. */
  readonly onChange?: () => void;
  /** RUN steps of Dockerfiles are executed, in namespaces and without a network. Default: they are left out. */
  readonly runSteps?: boolean;
  /** Builds and runs images as containers, in the place of `isolation`. Default: none. */
  readonly engine?: ContainerEngine;
  /** What goes wrong on purpose. Default: nothing. */
  readonly faults?: MicrovmFaults;
  /** MicroVMs that are started ahead and wait, frozen, to be run: one per image version, the latest used. 0: none. Default: 4. */
  readonly spares?: number;
  /** Endpoints carry as many bytes and connections as the microVM's size allows. Default: as many as this machine does. */
  readonly bandwidth?: boolean;
  /** The account's own network connectors. Left out: every one that a call names is taken for one that is there. */
  readonly connectors?: ConnectorDirectory;
}

/** Every option checked and decided. */
export function readBehaviour(options: ServiceBehaviour, region: string) {
  const { timeScale = DEFAULT_TIME_SCALE, memoryCounting = 'baseline', suspendedExpiry = 'exact' } = options;
  assertOneOf('memoryCounting', memoryCounting, ['baseline', 'peak']);
  assertOneOf('suspendedExpiry', suspendedExpiry, ['exact', 'lazy']);
  const quotas = readQuotas(options.quotas, region);
  return { delays: scaledDelays(timeScale), quotas, memoryCounting, suspendedExpiry };
}

function assertOneOf(name: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw new RangeError(`${name}: "${value}" is none of ${allowed.join(', ')}`);
}
