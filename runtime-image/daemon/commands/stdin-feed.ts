import type { Writable } from 'node:stream';
import { DaemonError } from '../errors';

/** A command's stdin: requests write one after the other, each as fast as the command reads. */
export class StdinFeed {
  readonly #stdin: Writable;
  readonly #commandId: string;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(stdin: Writable, commandId: string) {
    this.#stdin = stdin;
    this.#commandId = commandId;
    stdin.on('error', () => undefined);
  }

  async write(source: AsyncIterable<Buffer>, eof: boolean): Promise<void> {
    const turn = this.#turn.then(async () => this.#pour(source, eof));
    this.#turn = turn.catch(() => undefined);
    await turn;
  }

  async #pour(source: AsyncIterable<Buffer>, eof: boolean): Promise<void> {
    if (!this.#stdin.writable) throw this.#closed();
    for await (const chunk of source) {
      await new Promise<void>((resolve, reject) => {
        this.#stdin.write(chunk, (error) => (error ? reject(this.#closed()) : resolve()));
      });
    }
    if (eof) this.#stdin.end();
  }

  #closed(): DaemonError {
    return new DaemonError('command_conflict', `${this.#commandId}: stdin is closed; the command no longer reads it, or eof was sent`);
  }
}
