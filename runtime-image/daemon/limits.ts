/** What bounds the daemon's use of memory, disk and processes. */
export interface Limits {
  /** Output kept of one command. */
  readonly commandOutputBytes: number;
  /** Output kept of all commands together; ended commands lose theirs first. */
  readonly totalOutputBytes: number;
  /** Commands that run at a time: each holds up to three of the 1024 files that the platform lets a process open. */
  readonly runningCommands: number;
  /** Commands that are remembered, running or ended. */
  readonly knownCommands: number;
  /** Disk space that writes leave free. */
  readonly diskReserveBytes: number;
  /** Entries in one answer of `list`. */
  readonly listedEntries: number;
}

export const DEFAULT_LIMITS: Limits = {
  commandOutputBytes: 8 * 1024 * 1024,
  totalOutputBytes: 64 * 1024 * 1024,
  runningCommands: 250,
  knownCommands: 5000,
  diskReserveBytes: 64 * 1024 * 1024,
  listedEntries: 10_000,
};
