import { ServiceError } from './service-error';

/** The members of a RunMicrovm request that this project sets. Every one that the service would default is sent. */
export interface RunRequest {
  readonly imageIdentifier: string;
  readonly imageVersion: string;
  readonly ingressNetworkConnectors: string[];
  readonly egressNetworkConnectors: string[];
  readonly maximumDurationInSeconds: number;
  readonly executionRoleArn?: string;
  readonly idlePolicy?: {
    readonly maxIdleDurationSeconds: number;
    readonly suspendedDurationSeconds: number;
    readonly autoResumeEnabled: boolean;
  };
  readonly logging:
    | { readonly disabled: Record<string, never> }
    | { readonly cloudWatch: { readonly logGroup: string } };
  readonly runHookPayload?: string;
}

export type MicrovmState = 'PENDING' | 'RUNNING' | 'SUSPENDING' | 'SUSPENDED' | 'TERMINATING' | 'TERMINATED';

export interface MicrovmStatus {
  readonly microvmId: string;
  readonly state: MicrovmState;
  readonly stateReason?: string;
}

export interface Microvm extends MicrovmStatus {
  /** Bare host name. */
  readonly endpoint: string;
}

/** What a pool asks of the service. Every method throws `ServiceError`. */
export interface MicrovmClient {
  /** The same token with the same request answers the same microVM, for good. */
  run(request: RunRequest, clientToken: string): Promise<Microvm>;
  get(microvmId: string): Promise<MicrovmStatus>;
  suspend(microvmId: string): Promise<void>;
  resume(microvmId: string): Promise<void>;
  terminate(microvmId: string): Promise<void>;
  /** The version of an image that new sandboxes run, or undefined if it has none that can be run. */
  currentVersion(imageArn: string): Promise<string | undefined>;
  /** A platform token for the ports. */
  createToken(microvmId: string, ports: readonly number[], minutes: number): Promise<string>;
}

export function isEnding(microvm: MicrovmStatus): boolean {
  return microvm.state === 'TERMINATING' || microvm.state === 'TERMINATED';
}

/** Asks a microVM to go. One that is gone or going counts as done. */
export async function terminateIfThere(microvms: Pick<MicrovmClient, 'terminate'>, microvmId: string): Promise<void> {
  try {
    await microvms.terminate(microvmId);
  } catch (error) {
    if (!(error instanceof ServiceError && (error.kind === 'not_found' || error.kind === 'ended'))) throw error;
  }
}
