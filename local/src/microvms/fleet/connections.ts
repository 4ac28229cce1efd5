/** A connection of the outside to a microVM. */
interface Connection {
  destroy(): void;
  once(event: 'close', listener: () => void): unknown;
}

/** The connections of the outside to one microVM. They survive neither a suspend nor its end. */
export class Connections {
  readonly #open = new Set<Connection>();

  /** Keeps a connection until it closes by itself or is cut. */
  track(connection: Connection): void {
    this.#open.add(connection);
    connection.once('close', () => this.#open.delete(connection));
  }

  cut(): void {
    for (const connection of this.#open) connection.destroy();
    this.#open.clear();
  }
}
