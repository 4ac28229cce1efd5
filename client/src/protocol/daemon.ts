import type { ErrorBody } from './errors';

/** Every request but the hooks carries `authorization: Bearer <secret>` and this header with the sandbox's generation. */
export const GENERATION_HEADER = 'x-sandbox-generation';

/** Where user files live; relative paths start here. */
export const WORKSPACE = '/workspace';

/**
 * Routes of the daemon's API. `{id}` is a command id.
 *
 * | route | body → answer |
 * | --- | --- |
 * | `GET /v1/health` | → `Health` |
 * | `POST /v1/commands` | `CommandRequest` → NDJSON of `CommandEvent` until `exit`; leaving does not end the command |
 * | `GET /v1/commands` | → `{ commands: CommandInfo[] }` |
 * | `GET /v1/commands/{id}` | → `CommandInfo` |
 * | `GET /v1/commands/{id}/events?after=SEQ` | → NDJSON, replayed from after `SEQ` (default 0), then followed |
 * | `POST /v1/commands/{id}/stdin?eof=true` | raw bytes → 204; `eof` closes stdin after them |
 * | `POST /v1/commands/{id}/signal` | `SignalRequest` → `{ signalled: boolean }`, false if it had ended |
 * | `GET /v1/files?path=&offset=&length=` | → the bytes |
 * | `PUT /v1/files?path=&mode=` | the bytes → `EntryInfo`; makes parents, replaces whole; `mode` is octal |
 * | `DELETE /v1/files?path=&recursive=true` | → 204 |
 * | `GET /v1/files/stat?path=` | → `EntryInfo`; follows symlinks |
 * | `GET /v1/files/list?path=&depth=` | → `{ entries: EntryInfo[] }`; does not follow symlinks; depth 1–16, default 1 |
 * | `POST /v1/files/move` | `MoveRequest` → `EntryInfo` |
 * | `POST /v1/files/directories` | `MakeDirectoryRequest` → `{ created: boolean }`, makes parents |
 * | `GET /v1/archive?path=` | → tar of the directory's contents |
 * | `PUT /v1/archive?path=` | tar → `{ entries: number }`, unpacked below the directory, which is made |
 *
 * An error is a JSON `ErrorAnswer` with a 4xx or 5xx status. Before `/run` arrived every route answers 503 `not_ready`.
 */
export const ROUTES = {
  health: '/v1/health',
  commands: '/v1/commands',
  files: '/v1/files',
  stat: '/v1/files/stat',
  list: '/v1/files/list',
  move: '/v1/files/move',
  directories: '/v1/files/directories',
  archive: '/v1/archive',
} as const;

/** The media type of an event stream: one JSON object a line. */
export const NDJSON = 'application/x-ndjson';

export interface ErrorAnswer {
  readonly error: ErrorBody;
}

/** What `/run` hands to the daemon, as the string `runHookPayload`. At most 4096 characters, and holds no secret. */
export interface RunPayload {
  readonly sandboxId: string;
  readonly generation: number;
  /** Hex SHA-256 of the secret that requests carry. */
  readonly secretSha256: string;
}

export interface Health {
  readonly sandboxId: string;
  readonly generation: number;
  /** Of the daemon. */
  readonly version: string;
  /** Commands that still run. */
  readonly running: number;
}

/** Signals that the API sends to a command's whole process group. */
export const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGKILL', 'SIGUSR1', 'SIGUSR2', 'SIGTERM', 'SIGCONT', 'SIGSTOP'] as const;
export type Signal = (typeof SIGNALS)[number];

export interface CommandRequest {
  /** The caller's id: starting the same id again attaches to the first start. 1–64 of `[A-Za-z0-9_-]`. */
  readonly commandId: string;
  /** A shell line, run by `bash -lc`. Exactly one of `command` and `args`. */
  readonly command?: string;
  /** A program and its arguments, run without a shell. */
  readonly args?: readonly string[];
  /** Default: the workspace. */
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** `sandbox` (default) or `root`. */
  readonly user?: 'sandbox' | 'root';
  /** The command and all it started are killed after this many milliseconds. Default: no limit. */
  readonly timeoutMs?: number;
  /** Keep stdin open for `/stdin`. Default: stdin is empty. */
  readonly stdin?: boolean;
}

export interface SignalRequest {
  readonly signal: Signal;
}

export interface CommandInfo {
  readonly commandId: string;
  readonly pid?: number;
  /** The shell line or the arguments joined by spaces, cut to 200 characters. */
  readonly command: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** Absent while it runs. */
  readonly exit?: CommandExit;
}

export interface CommandExit {
  /** 128 plus the signal's number if a signal ended it; 127 if there is no such command, 126 if it cannot be run. */
  readonly exitCode: number;
  readonly signal?: string;
  /** The command's own time limit ended it. */
  readonly timedOut?: boolean;
  readonly durationMs: number;
}

/**
 * A line of the event stream. `seq` grows by one per event of the command; a reader that lost its connection asks for what came
 * after the last `seq` it saw. `data` is base64. `heartbeat` comes at least every 15 seconds of silence and has no `seq`.
 */
export type CommandEvent =
  | { readonly seq: number; readonly type: 'start'; readonly pid?: number; readonly startedAt: number }
  | { readonly seq: number; readonly type: 'stdout' | 'stderr'; readonly data: string }
  | { readonly seq: number; readonly type: 'gap'; readonly droppedBytes: number }
  | ({ readonly seq: number; readonly type: 'exit' } & CommandExit)
  | { readonly type: 'heartbeat' };

export interface EntryInfo {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
  readonly size: number;
  /** Permission bits, as in `0o644`. */
  readonly mode: number;
  /** Epoch milliseconds. */
  readonly modifiedAt: number;
  readonly symlinkTarget?: string;
}

export interface MoveRequest {
  readonly from: string;
  readonly to: string;
  /** Replace what stands at `to`. Default false: `file_exists`. */
  readonly overwrite?: boolean;
}

export interface MakeDirectoryRequest {
  readonly path: string;
}
