import type { Socket } from 'node:net';

/** More open connections of one guest to its metadata service than this are refused. */
export const MAX_METADATA_CONNECTIONS = 64;

/** Tells programs of the AWS SDKs where the metadata service is, if it is not at its own address. */
export const METADATA_VARIABLE = 'AWS_EC2_METADATA_SERVICE_ENDPOINT';

/** Where the guest's connections to the metadata service arrive: passed on once somebody serves it, and cut as a whole. */
export class MetadataDoor {
  readonly #open = new Set<Socket>();
  #accept?: (connection: Socket) => void;

  serve(accept: (connection: Socket) => void): void {
    this.#accept = accept;
  }

  enter(connection: Socket): void {
    connection.on('error', () => undefined);
    if (!this.#accept || this.#open.size >= MAX_METADATA_CONNECTIONS) {
      connection.resetAndDestroy();
      return;
    }
    this.#open.add(connection);
    connection.once('close', () => this.#open.delete(connection));
    this.#accept(connection);
  }

  cut(): void {
    for (const connection of this.#open) connection.destroy();
    this.#open.clear();
  }
}
