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
}

export interface Build {
  readonly state: string;
  readonly chipset: string;
  readonly chipsetGeneration: string;
  readonly stateReason?: string;
}

export interface ListedMicrovm {
  readonly microvmId: string;
  readonly state: string;
}

/** What the builder asks of the service. Every method throws `ServiceError`. */
export interface ImageClient {
  create(name: string, build: BuildRequest, tags: Record<string, string>, clientToken: string): Promise<Submitted>;
  update(imageArn: string, build: BuildRequest, clientToken: string): Promise<Submitted>;
  delete(imageArn: string): Promise<void>;
  get(imageArn: string): Promise<Image>;
  getVersion(imageArn: string, imageVersion: string): Promise<ImageVersion>;
  listVersions(imageArn: string): Promise<ImageVersion[]>;
  listBuilds(imageArn: string, imageVersion: string): Promise<Build[]>;
  listMicrovms(imageArn: string): Promise<ListedMicrovm[]>;
  terminate(microvmId: string): Promise<void>;
}
