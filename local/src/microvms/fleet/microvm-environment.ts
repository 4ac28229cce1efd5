import type { Socket } from 'node:net';
import type { LogSink } from '../../api';
import type { Clock } from '../../clock';
import type { MicrovmFaults } from '../../faults/microvm-faults';
import type { RoleSession } from '../../role-session';
import type { Background } from '../background';
import type { Delays } from '../delays';
import type { Spares } from '../guest/spares';
import type { Machines } from '../machine/machines';
import type { Place } from '../wire/arns';

/** What every microVM of a service shares. */
export interface MicrovmEnvironment {
  readonly place: Place;
  readonly clock: Clock;
  readonly logs: LogSink;
  readonly machines: Machines;
  readonly spares: Spares;
  readonly background: Background;
  readonly delays: Delays;
  /** A microVM that is suspended for too long is TERMINATED then, or stays as it is. */
  readonly suspendedExpiry: 'exact' | 'lazy';
  readonly faults: MicrovmFaults;
  readonly onWarning: (message: string) => void;
  /** Serves a guest's instance metadata, with the credentials of its role if it has one. */
  metadata(session: RoleSession | undefined): (connection: Socket) => void;
}
