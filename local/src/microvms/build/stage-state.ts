import type { DiskRoom } from './disk-room';
import type { Variables } from './variables';
import { DEFAULT_PATH } from '../machine/default-path';

/** What a stage of a Dockerfile has come to so far. */
export interface StageState {
  /** What it puts on top of this machine's own root. */
  readonly rootfs: string;
  /** Shared by all stages of a build. */
  readonly disk: DiskRoom;
  environment: Record<string, string>;
  args: Record<string, string>;
  workingDirectory: string;
  shell: readonly string[];
  command?: readonly string[];
  /** CMD stands in this stage, not in the one it is based on. */
  commandIsOwn: boolean;
  entrypoint?: { readonly words: readonly string[]; readonly takesCommand: boolean };
  ports: readonly number[];
  user?: string;
  /** A step was left out, or it is based on an image from elsewhere: what a later step looks for may be missing for that. */
  incomplete: boolean;
}

export function emptyStage(rootfs: string, disk: DiskRoom, incomplete: boolean): StageState {
  return {
    rootfs,
    disk,
    environment: { PATH: DEFAULT_PATH },
    args: {},
    workingDirectory: '/',
    shell: ['/bin/sh', '-c'],
    commandIsOwn: false,
    ports: [],
    incomplete,
  };
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** What BuildKit declares ahead of the first FROM. Programs run on this machine, so it is this machine's platform. */
export function platformArgs(): Record<string, string> {
  const architecture = ARCHITECTURES[process.arch] ?? process.arch;
  const platform = `linux/${architecture}`;
  return {
    TARGETPLATFORM: platform,
    TARGETOS: 'linux',
    TARGETARCH: architecture,
    TARGETVARIANT: '',
    TARGETSTAGE: '',
    BUILDPLATFORM: platform,
    BUILDOS: 'linux',
    BUILDARCH: architecture,
    BUILDVARIANT: '',
  };
}

/** Variables that a step sees: ENV wins over ARG. */
export function variablesOf(state: StageState): Variables {
  return { ...state.args, ...state.environment };
}
