import { type Access, type ReachableMicrovm, Refusal } from './endpoint-access';
import type { Lease, Links } from './endpoint-links';
import { Conduit } from '../../conduit/conduit';
import type { MicrovmFaults } from '../../faults/microvm-faults';

/** A connection that waits for its next request for so long; servers close idle ones after seconds. */
const IDLE_MS = 1000;
/** Ports of one microVM whose lines are looked after. */
const MAX_PORTS = 16;

/** A connection to the guest, for one request. */
export interface Line {
  readonly microvm: ReachableMicrovm;
  readonly connection: Conduit;
  readonly lease: Lease;
  /** It has served a request before: the guest may be about to close it. */
  readonly kept: boolean;
  /** True once the guest closed or broke it, and not this side. */
  hungUp(): boolean;
}

export interface LineRequest {
  /** Nobody waits for an answer any more. */
  readonly hasLeft: () => boolean;
  /** The request may go over a connection that the guest is about to close: it can be sent again. */
  readonly repeatable: boolean;
}

/** The lines to one port of a microVM. */
interface Trunk {
  underWay: number;
  idle?: Conduit;
}

/**
 * The connections to guests. The last one to a port is kept for the next request if no other is under way: a guest that serves one
 * connection after the other would never get to them.
 */
export class Lines {
  readonly #trunks = new WeakMap<ReachableMicrovm, Map<number, Trunk>>();
  readonly #hungUp = new WeakSet<Conduit>();

  constructor(private readonly links: Links, private readonly faults: MicrovmFaults) {}

  /** Wakes the microVM if need be and connects to the guest. */
  async open(access: Access, request: LineRequest): Promise<Line> {
    const { microvm } = access;
    if (this.faults.refusesEndpoint(microvm.id)) throw new Refusal(502);
    const lease = await this.links.lease(microvm);
    const trunk = this.#trunk(access);
    trunk.underWay += 1;
    let over = false;
    const leave = (): void => {
      if (over) return;
      over = true;
      trunk.underWay -= 1;
      lease.release();
      this.#tidy(access, trunk);
    };
    try {
      const { connection, kept } = await this.#connect(access, trunk, request);
      connection.once('close', leave);
      connection.once('free', () => {
        connection.off('close', leave);
        leave();
        this.#keep(access, connection);
      });
      microvm.touch();
      return { microvm, connection, kept, lease, hungUp: () => this.#hungUp.has(connection) };
    } catch (error) {
      leave();
      throw error;
    }
  }

  async #connect(access: Access, trunk: Trunk, request: LineRequest): Promise<Pick<Line, 'connection' | 'kept'>> {
    const { hasLeft, repeatable } = request;
    const { microvm, port } = access;
    for (;;) {
      const machine = hasLeft() ? undefined : await microvm.reach();
      if (!machine || hasLeft()) throw new Refusal(502);
      const idle = takeIdle(trunk);
      if (idle && repeatable && microvm.state === 'RUNNING') return { connection: idle, kept: true };
      idle?.destroy();
      const socket = await machine.dial(port).catch(() => undefined);
      if (!socket) throw new Refusal(502);
      socket.setNoDelay(true);
      const connection = new Conduit(socket);
      microvm.track(connection);
      // A suspend that began meanwhile has not seen this connection, and nobody would answer on it.
      if (microvm.state !== 'RUNNING' || hasLeft()) {
        connection.destroy();
        continue;
      }
      for (const sign of ['end', 'error'] as const) connection.on(sign, () => this.#hungUp.add(connection));
      connection.once('close', () => this.#forget(access, connection));
      return { connection, kept: false };
    }
  }

  #trunk({ microvm, port }: Access): Trunk {
    const trunks = this.#trunks.get(microvm) ?? new Map<number, Trunk>();
    this.#trunks.set(microvm, trunks);
    const trunk = trunks.get(port) ?? { underWay: 0 };
    trunks.set(port, trunk);
    return trunk;
  }

  #keep(access: Access, connection: Conduit): void {
    const trunk = this.#trunk(access);
    const crowded = (this.#trunks.get(access.microvm)?.size ?? 0) > MAX_PORTS;
    if (crowded || trunk.underWay > 0 || trunk.idle || this.#hungUp.has(connection) || !isQuiet(connection)) {
      connection.destroy();
      return this.#tidy(access, trunk);
    }
    trunk.idle = connection;
    // Bytes that nobody asked for belong to no answer.
    connection.on('data', drop).on('end', drop).setTimeout(IDLE_MS, drop);
  }

  #forget(access: Access, connection: Conduit): void {
    const trunk = this.#trunk(access);
    if (trunk.idle === connection) trunk.idle = undefined;
    this.#tidy(access, trunk);
  }

  #tidy({ microvm, port }: Access, trunk: Trunk): void {
    const trunks = this.#trunks.get(microvm);
    if (trunk.underWay === 0 && !trunk.idle && trunks?.get(port) === trunk) trunks.delete(port);
  }
}

function takeIdle(trunk: Trunk): Conduit | undefined {
  const { idle } = trunk;
  trunk.idle = undefined;
  idle?.off('data', drop).off('end', drop).off('timeout', drop).setTimeout(0);
  return idle && isQuiet(idle) ? idle : void idle?.destroy();
}

function isQuiet(connection: Conduit): boolean {
  return !connection.destroyed && connection.readable && connection.writable && connection.readableLength === 0;
}

function drop(this: Conduit): void {
  this.destroy();
}
