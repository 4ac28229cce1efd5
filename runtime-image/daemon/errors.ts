import type { ErrorBody, ErrorCode } from '../../client/src/protocol/errors';

/** The HTTP status of each error that the daemon answers. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  path_outside_reach: 403,
  command_not_found: 404,
  file_not_found: 404,
  command_conflict: 409,
  stale_generation: 409,
  file_exists: 409,
  not_a_directory: 409,
  is_a_directory: 409,
  directory_not_empty: 409,
  too_large: 413,
  rate_limited: 429,
  unsupported: 501,
  not_ready: 503,
  not_enough_space: 507,
};

const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['not_ready', 'rate_limited']);

/** An error that a caller is told as it is. Anything else is answered as `internal`, without its message. */
export class DaemonError extends Error {
  readonly code: ErrorCode;
  readonly retryAfterMs?: number;

  constructor(code: ErrorCode, message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'DaemonError';
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }

  get status(): number {
    return STATUS[this.code] ?? 500;
  }

  toBody(): ErrorBody {
    const body: ErrorBody = { code: this.code, message: this.message, retryable: RETRYABLE.has(this.code) };
    return this.retryAfterMs === undefined ? body : { ...body, retryAfterMs: this.retryAfterMs };
  }
}

export function invalid(message: string): DaemonError {
  return new DaemonError('invalid_argument', message);
}

/** What a failed system call says about `path`; undefined if it says nothing that a caller could act on. */
export function fromSystemError(error: unknown, path: string): DaemonError | undefined {
  const refuse = (code: ErrorCode, message: string) => new DaemonError(code, message, { cause: error });
  switch (errnoOf(error)) {
    case 'ENOENT': return refuse('file_not_found', `${path}: there is no such file or directory`);
    case 'ENOTDIR': return refuse('not_a_directory', `${path}: it, or a part of it, is not a directory`);
    case 'EISDIR': return refuse('is_a_directory', `${path}: is a directory`);
    case 'EEXIST': return refuse('file_exists', `${path}: exists already`);
    case 'ENOTEMPTY': return refuse('directory_not_empty', `${path}: the directory is not empty`);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS': return refuse('permission_denied', `${path}: the system does not allow this (${errnoOf(error)})`);
    case 'ENOSPC':
    case 'EDQUOT': return refuse('not_enough_space', `${path}: the disk is full; delete files or use an image with more memory`);
    case 'EFBIG': return refuse('too_large', `${path}: the file would be larger than the file system allows`);
    case 'ENAMETOOLONG': return refuse('invalid_argument', `${path}: a name in it is longer than 255 bytes`);
    case 'ELOOP': return refuse('invalid_argument', `${path}: goes through too many symbolic links`);
    case 'EINVAL': return refuse('invalid_argument', `${path}: the system refuses this path for this operation`);
    case 'ETXTBSY':
    case 'EBUSY': return refuse('permission_denied', `${path}: is in use by the system`);
    case 'EMFILE':
    case 'ENFILE': return new DaemonError('rate_limited', 'too many files are open in the sandbox; try again', { retryAfterMs: 1000 });
    default: return undefined;
  }
}

/** The errno name of a failed system call, such as `ENOENT`. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined | null)?.code;
  return typeof code === 'string' ? code : undefined;
}
