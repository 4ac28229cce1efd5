/** What went wrong, in a word that a program can act on. The same words from the allocator, the daemon and the client. */
export type ErrorCode =
  | 'invalid_argument'
  | 'unauthenticated'
  | 'permission_denied'
  | 'unsupported'
  | 'protocol_version'
  | 'sandbox_not_found'
  | 'sandbox_terminated'
  | 'idempotency_conflict'
  | 'pool_exhausted'
  | 'quota_exceeded'
  | 'rate_limited'
  | 'service_busy'
  | 'not_ready'
  | 'stale_generation'
  | 'command_not_found'
  | 'command_conflict'
  | 'file_not_found'
  | 'file_exists'
  | 'not_a_directory'
  | 'is_a_directory'
  | 'directory_not_empty'
  | 'path_outside_reach'
  | 'not_enough_space'
  | 'too_large'
  | 'internal';

/** An error as it travels: in the allocator's answer and in the body of a daemon response. Never holds a secret or a token. */
export interface ErrorBody {
  readonly code: ErrorCode;
  /** Names the field or thing, the value, and the fix. */
  readonly message: string;
  /** True if the same call may succeed later without a change. */
  readonly retryable: boolean;
  /** Milliseconds to wait before a retry, where known. */
  readonly retryAfterMs?: number;
}
