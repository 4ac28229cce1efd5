/** The members of a build that Create- and UpdateMicrovmImage share. */
export interface BuildRequest {
  readonly baseImageArn: string;
  readonly baseImageVersion: string;
  readonly buildRoleArn: string;
  readonly description?: string;
  readonly codeArtifact: { readonly uri: string };
  readonly logging: { readonly cloudWatch: { readonly logGroup: string } };
  readonly egressNetworkConnectors: string[];
  readonly cpuConfigurations: { readonly architecture: 'ARM_64' }[];
  readonly resources: { readonly minimumMemoryInMiB: number }[];
  readonly additionalOsCapabilities?: 'ALL'[];
  readonly hooks?: BuildHooks;
  readonly environmentVariables: Record<string, string>;
}

type HookState = 'ENABLED' | 'DISABLED';

export interface BuildHooks {
  readonly port: number;
  readonly microvmImageHooks: {
    readonly ready: HookState;
    readonly readyTimeoutInSeconds?: number;
    readonly validate: HookState;
    readonly validateTimeoutInSeconds?: number;
  };
  readonly microvmHooks: {
    readonly run: HookState;
    readonly runTimeoutInSeconds?: number;
    readonly resume: HookState;
    readonly resumeTimeoutInSeconds?: number;
    readonly suspend: HookState;
    readonly suspendTimeoutInSeconds?: number;
    readonly terminate: HookState;
    readonly terminateTimeoutInSeconds?: number;
  };
}

/** What the service tells of a version's build. Any member may be missing, also one that was sent. */
export interface BuildEcho {
  readonly baseImageArn?: string;
  readonly baseImageVersion?: string;
  readonly buildRoleArn?: string;
  readonly description?: string;
  readonly codeArtifact?: { readonly uri?: string };
  readonly logging?: {
    readonly cloudWatch?: { readonly logGroup?: string; readonly logStream?: string };
    readonly disabled?: object;
  };
  readonly egressNetworkConnectors?: readonly string[];
  readonly cpuConfigurations?: readonly { readonly architecture?: string }[];
  readonly resources?: readonly { readonly minimumMemoryInMiB?: number }[];
  readonly additionalOsCapabilities?: readonly string[];
  readonly hooks?: { readonly port?: number; readonly microvmHooks?: object; readonly microvmImageHooks?: object };
  readonly environmentVariables?: Readonly<Record<string, string>>;
}

export interface Submitted {
  readonly imageArn: string;
  readonly imageVersion: string;
}

export interface Image {
  readonly state: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface ImageVersion {
  readonly imageVersion: string;
  readonly state: string;
  readonly status?: string;
  readonly stateReason?: string;
  /** Epoch milliseconds. */
  readonly createdAt?: number;
  readonly updatedAt?: number;
  /** Without the environment in a list. */
  readonly build: BuildEcho;
}

export interface Build {
  readonly buildId: string;
  readonly state: string;
  readonly chipset: string;
  readonly chipsetGeneration: string;
  readonly stateReason?: string;
}

/** Which parts of a snapshot a build came to have. */
export interface BuildProgress {
  readonly hasCode: boolean;
  readonly hasSnapshot: boolean;
}

export interface ManagedVersion {
  /** As the service says it: `1`, or `1.0`. */
  readonly version: string;
  readonly status: string;
}

export interface ListedMicrovm {
  readonly microvmId: string;
  readonly state: string;
}

export interface NewImage {
  readonly name: string;
  readonly build: BuildRequest;
  readonly tags: Readonly<Record<string, string>>;
}

/** What the builder asks of the service. Every method throws `ServiceError`. */
export interface ImageClient {
  create(image: NewImage, clientToken: string): Promise<Submitted>;
  update(imageArn: string, build: BuildRequest, clientToken: string): Promise<Submitted>;
  delete(imageArn: string): Promise<void>;
  get(imageArn: string): Promise<Image>;
  tag(imageArn: string, tags: Readonly<Record<string, string>>): Promise<void>;
  untag(imageArn: string, keys: readonly string[]): Promise<void>;
  getVersion(imageArn: string, imageVersion: string): Promise<ImageVersion>;
  listVersions(imageArn: string): Promise<ImageVersion[]>;
  setStatus(imageArn: string, imageVersion: string, status: 'ACTIVE' | 'INACTIVE'): Promise<void>;
  deleteVersion(imageArn: string, imageVersion: string): Promise<void>;
  listBuilds(imageArn: string, imageVersion: string): Promise<Build[]>;
  buildProgress(imageArn: string, imageVersion: string, buildId: string): Promise<BuildProgress>;
  /** Of all versions, or of one. */
  listMicrovms(imageArn: string, imageVersion?: string): Promise<ListedMicrovm[]>;
  terminate(microvmId: string): Promise<void>;
  listManagedVersions(baseImageArn: string): Promise<ManagedVersion[]>;
}
