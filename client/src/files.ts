import { type BytesToSend, requestBody, webStream } from './bytes-to-send';
import type { Daemon, DaemonCall } from './daemon';
import { DEFAULT_REQUEST_TIMEOUT_MS, type RequestOptions } from './deadline';
import { FileNotFoundError, InvalidArgumentError } from './errors';
import { type EntryInfo as SentEntryInfo, type MoveRequest, ROUTES } from './protocol';
import type { Shape } from './shape';

/** What stands at a path. */
export interface EntryInfo extends Omit<SentEntryInfo, 'modifiedAt'> {
  readonly modifiedAt: Date;
}

export interface ReadOptions extends RequestOptions {
  /**
   * `text` is UTF-8. `text` and `bytes` hold up to 256 MiB in memory; a `stream` holds nothing.
   *
   * @default 'text'
   */
  readonly format?: 'text' | 'bytes' | 'stream';
  /** First byte to read. */
  readonly offset?: number;
  /** Bytes to read. */
  readonly length?: number;
}

export interface WriteOptions extends RequestOptions {
  /**
   * Permission bits.
   *
   * @default - the sandbox decides
   */
  readonly mode?: number;
}

export interface RenameOptions extends RequestOptions {
  /**
   * Replace what stands at the new path.
   *
   * @default false
   */
  readonly overwrite?: boolean;
}

const MOST_BYTES = 256 * 1024 * 1024;

/** The furthest that a `Date` is from the epoch, either way. */
const LAST_DATE_MS = 8.64e15;

/** Reads and writes files of a sandbox. Relative paths start at its workspace, `/workspace`. */
export class Files {
  readonly #daemon: Daemon;

  /** @internal */
  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  /** Reads a file; `FileNotFoundError` if there is none. */
  read(path: string, options: ReadOptions & { readonly format: 'stream' }): Promise<ReadableStream<Uint8Array>>;
  read(path: string, options: ReadOptions & { readonly format: 'bytes' }): Promise<Uint8Array>;
  read(path: string, options?: ReadOptions & { readonly format?: 'text' }): Promise<string>;
  async read(path: string, options: ReadOptions = {}): Promise<string | Uint8Array | ReadableStream<Uint8Array>> {
    const { format = 'text', offset, length } = options;
    const call: DaemonCall = { method: 'GET', path: ROUTES.files, query: { path: checked(path), offset, length }, safe: true };
    if (format === 'stream') return this.#stream(call, `read of ${path}`, options);
    const deadline = this.#daemon.deadline(`read of ${path}`, options);
    // A file that moves, however slowly, is no timeout.
    const onProgress = () => deadline.restart();
    const bytes = await this.#daemon.raw(call, deadline, async ({ body }) => body.bytes(MOST_BYTES, onProgress));
    return format === 'bytes' ? new Uint8Array(bytes) : bytes.toString('utf8');
  }

  /** Writes a file: makes its parents, and replaces what was there in one step. A stream that breaks off is not sent again. */
  async write(path: string, data: BytesToSend, options: WriteOptions = {}): Promise<EntryInfo> {
    const { mode } = options;
    const query = { path: checked(path), mode: mode?.toString(8) };
    const call = { method: 'PUT', path: ROUTES.files, query, body: requestBody(data, 'data'), safe: true };
    return this.#daemon.json(call, this.#daemon.deadline(`write of ${path}`, options), readEntry);
  }

  /** Lists a directory, in no order, down to `depth` levels (1–16, default 1). Does not follow symlinks. */
  async list(path: string, options: RequestOptions & { readonly depth?: number } = {}): Promise<EntryInfo[]> {
    const call = { method: 'GET', path: ROUTES.list, query: { path: checked(path), depth: options.depth }, safe: true };
    return this.#daemon.json(call, this.#daemon.deadline(`list of ${path}`, options), (answer) => answer.get('entries').list().map(readEntry));
  }

  /** What stands at a path; follows symlinks. */
  async getInfo(path: string, options: RequestOptions = {}): Promise<EntryInfo> {
    const call = { method: 'GET', path: ROUTES.stat, query: { path: checked(path) }, safe: true };
    return this.#daemon.json(call, this.#daemon.deadline(`stat of ${path}`, options), readEntry);
  }

  async exists(path: string, options: RequestOptions = {}): Promise<boolean> {
    try {
      await this.getInfo(path, options);
      return true;
    } catch (error) {
      if (error instanceof FileNotFoundError) return false;
      throw error;
    }
  }

  /** Makes a directory and its parents. False if it was there. */
  async makeDir(path: string, options: RequestOptions = {}): Promise<boolean> {
    const call = { method: 'POST', path: ROUTES.directories, json: { path: checked(path) }, safe: true };
    return this.#daemon.json(call, this.#daemon.deadline(`making ${path}`, options), (answer) => answer.get('created').flag());
  }

  /** Moves a file or directory. `FileExistsError` if `to` is taken, unless `overwrite`. Not repeated if the connection breaks. */
  async rename(from: string, to: string, options: RenameOptions = {}): Promise<EntryInfo> {
    const json: MoveRequest = { from: checked(from, 'from'), to: checked(to, 'to'), overwrite: options.overwrite };
    const call = { method: 'POST', path: ROUTES.move, json, safe: false };
    return this.#daemon.json(call, this.#daemon.deadline(`move of ${from}`, options, false), readEntry);
  }

  /** Removes a file, or with `recursive` a directory and all in it. Not repeated if the connection breaks. */
  async remove(path: string, options: RequestOptions & { readonly recursive?: boolean } = {}): Promise<void> {
    const call = { method: 'DELETE', path: ROUTES.files, query: { path: checked(path), recursive: options.recursive || undefined }, safe: false };
    await this.#daemon.empty(call, this.#daemon.deadline(`removal of ${path}`, options, false));
  }

  /** The contents of a directory as a tar stream. */
  async readArchive(path: string, options: RequestOptions = {}): Promise<ReadableStream<Uint8Array>> {
    const call = { method: 'GET', path: ROUTES.archive, query: { path: checked(path) }, safe: true };
    return this.#stream(call, `archive of ${path}`, options);
  }

  /** Unpacks a tar below a directory, which is made. Resolves to the number of its entries. */
  async writeArchive(path: string, tar: BytesToSend, options: RequestOptions = {}): Promise<number> {
    const call = { method: 'PUT', path: ROUTES.archive, query: { path: checked(path) }, body: requestBody(tar, 'tar'), safe: true };
    const deadline = this.#daemon.deadline(`archive to ${path}`, options);
    return this.#daemon.json(call, deadline, (answer) => answer.get('entries').integer(0, Number.MAX_SAFE_INTEGER));
  }

  async #stream(call: DaemonCall, what: string, options: RequestOptions): Promise<ReadableStream<Uint8Array>> {
    const { signal, requestTimeoutMs: silenceMs = DEFAULT_REQUEST_TIMEOUT_MS } = options;
    return this.#daemon.raw(call, this.#daemon.deadline(what, options), async ({ body }) => {
      return webStream(body.stream({ silenceMs, signal }), () => body.destroy());
    });
  }
}

function checked(path: string, field = 'path'): string {
  if (typeof path === 'string' && path.length > 0 && !path.includes('\0')) return path;
  throw new InvalidArgumentError(`${field}: ${JSON.stringify(path)} is not a path`);
}

function readEntry(entry: Shape): EntryInfo {
  const target = entry.get('symlinkTarget');
  return {
    name: entry.get('name').text(4096),
    path: entry.get('path').text(65_536),
    type: entry.get('type').oneOf(['file', 'directory', 'symlink', 'other']),
    size: entry.get('size').integer(0, Number.MAX_SAFE_INTEGER),
    mode: entry.get('mode').integer(0, 0o7777),
    modifiedAt: new Date(entry.get('modifiedAt').integer(-LAST_DATE_MS, LAST_DATE_MS)),
    ...(!target.absent && { symlinkTarget: target.text(65_536) }),
  };
}
