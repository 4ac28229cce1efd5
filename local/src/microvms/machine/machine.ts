import type { Socket } from 'node:net';

/**
 * - `namespaces`: the guest has its own processes, files, ports and loopback, without root on the host
 * - `processes`: plain processes of this user, for machines that refuse namespaces
 */
export type Isolation = 'namespaces' | 'processes';

export interface MachineSpec {
  /** Made for this machine and removed with it. */
  readonly folder: string;
  /** What the image puts on top of the machine's own root. */
  readonly rootfs: string;
  /** Program and arguments of the main process. */
  readonly command: readonly string[];
  /** Absolute, in the guest. */
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Ports that the guest is known to listen on. */
  readonly ports: readonly number[];
  /** A line that the guest wrote to stdout or stderr. */
  onOutput(line: string): void;
}

/** Open files of one process of a guest, at most: as in a MicroVM of the platform, and no process can raise it. */
export const MAX_OPEN_FILES = 1024;

/** What runs a guest. Suspend keeps memory, files and processes. */
export interface Machine {
  /** Exit status of the main process, once it is over; 128 plus the signal's number if a signal ended it. */
  readonly exited: Promise<number>;
  /** A connection to 127.0.0.1:`port` inside the guest. */
  dial(port: number): Promise<Socket>;
  /**
   * From now on connections of the guest to http://169.254.169.254 (the instance metadata service) are handed to `accept`, 64 at a
   * time at most. Until then and without it they are reset. A suspend cuts them. Without namespaces, and for an image that exposes port
   * 80, programs find the service by AWS_EC2_METADATA_SERVICE_ENDPOINT in their environment.
   */
  serveMetadata(accept: (connection: Socket) => void): Promise<void>;
  suspend(): Promise<void>;
  resume(): Promise<void>;
  /** Kills every process of the machine, makes sure that none is left, and removes its folder. */
  stop(): Promise<void>;
}

export type StartMachine = (spec: MachineSpec) => Promise<Machine>;

/** The program that the image starts is neither in the image nor on this machine. */
export class MissingProgramError extends Error {
  constructor(readonly program: string) {
    super(`The program '${program}' that the Dockerfile starts is neither in the image nor on this machine's PATH`);
  }
}
