export { SandboxClient } from './client';
export { Sandbox } from './sandbox';
export { SandboxList } from './sandbox-list';
export { Command } from './command';
export { Commands } from './commands';
export { Files } from './files';
export {
  AuthenticationError,
  CommandExitError,
  CommandNotFoundError,
  ConnectionLostError,
  FileExistsError,
  FileNotFoundError,
  InvalidArgumentError,
  NotEnoughSpaceError,
  PermissionDeniedError,
  PoolExhaustedError,
  ProtocolVersionError,
  QuotaExceededError,
  RateLimitError,
  SandboxError,
  SandboxNotFoundError,
  SandboxTerminatedError,
  ServiceBusyError,
  TimeoutError,
  UnsupportedError,
} from './errors';
export type { LambdaInvoker } from './allocator';
export type { BytesToSend } from './bytes-to-send';
export type { CreateOptions, GetOrCreateOptions, SandboxClientOptions } from './client';
export type { CommandResult, OutputOptions } from './command';
export type { CommandInfo, CommandLine, RunOptions } from './commands';
export type { RequestOptions } from './deadline';
export type { SandboxErrorCode, SandboxErrorDetails, TimeoutScope } from './errors';
export type { CommandEvent } from './event-stream';
export type { EntryInfo, ReadOptions, RenameOptions, WriteOptions } from './files';
export type { FetchInit } from './port-fetch';
export type { CommandExit, Launch, SandboxState, Signal } from './protocol';
export type { PortEndpoint, WaitForPortOptions } from './sandbox';
export type { SandboxInfo } from './sandbox-info';
export type { ListOptions, SandboxPage } from './sandbox-list';
