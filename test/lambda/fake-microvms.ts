import { FaultyService } from './faulty-service';
import type { Microvm, MicrovmClient, MicrovmState, RunRequest } from '../../lambda/pool/microvms';
import { ServiceError } from '../../lambda/pool/service-error';
import type { ServiceErrorKind } from '../../lambda/pool/service-error';

export function refuse(kind: ServiceErrorKind, operation: string, message: string = kind, certain = kind !== 'busy'): ServiceError {
  return new ServiceError({ kind, operation, message, certain });
}

interface Launched {
  readonly request: string;
  readonly microvmId: string;
}

/** The service's memory of client tokens and the states of its microVMs. */
export class FakeMicrovms extends FaultyService implements MicrovmClient {
  readonly launched = new Map<string, Launched>();
  readonly microvms = new Map<string, { -readonly [K in keyof Microvm]: Microvm[K] }>();
  readonly tokens: { microvmId: string; ports: readonly number[]; minutes: number }[] = [];
  startsAs: MicrovmState = 'RUNNING';
  /** What GetMicrovm tells of a microVM that was asked to end, one look after another, before it tells `TERMINATED`. */
  toldWhileEnding: MicrovmState[] = [];
  /** Versions that can be run, the image's current one last; undefined: all. */
  versions?: string[];
  imageArn = 'arn:aws:lambda:us-east-1:123456789012:microvm-image:agent';
  private readonly ending = new Map<string, MicrovmState[]>();
  /** Called at the end of a run that worked. */
  afterRun?: (microvm: Microvm) => Promise<void>;

  get running(): string[] {
    return [...this.microvms.values()].filter(({ state }) => !state.startsWith('TERMINAT')).map(({ microvmId }) => microvmId);
  }

  requests(): RunRequest[] {
    return [...this.launched.values()].map(({ request }) => JSON.parse(request));
  }

  async run(request: RunRequest, clientToken: string): Promise<Microvm> {
    return this.call('run', async () => {
      const text = JSON.stringify(request);
      const known = this.launched.get(clientToken);
      if (known && known.request !== text) throw refuse('conflict', 'RunMicrovm', 'clientToken was used with different request parameters');
      const microvmId = known?.microvmId ?? `microvm-${this.launched.size + 1}`;
      if (!known) {
        if (this.versions?.includes(request.imageVersion) === false) {
          const which = `${request.imageIdentifier} and version ${request.imageVersion}`;
          throw refuse('not_found', 'RunMicrovm', `No active version found for MicroVM image ${which}`);
        }
        this.launched.set(clientToken, { request: text, microvmId });
        this.microvms.set(microvmId, { microvmId, state: this.startsAs, endpoint: `${microvmId}.example` });
      }
      const microvm = this.find('RunMicrovm', microvmId);
      await this.afterRun?.(microvm);
      return { ...microvm };
    });
  }

  async get(microvmId: string): Promise<Microvm> {
    return this.call('get', async () => {
      const microvm = this.find('GetMicrovm', microvmId);
      return { ...microvm, state: this.ending.get(microvmId)?.shift() ?? microvm.state };
    });
  }

  async suspend(microvmId: string): Promise<void> {
    await this.call('suspend', async () => this.move('SuspendMicrovm', microvmId, 'SUSPENDED'));
  }

  async resume(microvmId: string): Promise<void> {
    await this.call('resume', async () => this.move('ResumeMicrovm', microvmId, 'RUNNING'));
  }

  async terminate(microvmId: string): Promise<void> {
    await this.call('terminate', async () => {
      const microvm = this.find('TerminateMicrovm', microvmId);
      microvm.state = 'TERMINATED';
      this.ending.set(microvmId, [...this.toldWhileEnding]);
      microvm.stateReason = 'Success.';
    });
  }

  async currentVersion(imageArn: string): Promise<string | undefined> {
    return this.call('currentVersion', async () => {
      if (imageArn !== this.imageArn) throw refuse('not_found', 'GetMicrovmImage', `MicroVMImage not found for MicroVMImageID: ${imageArn}`);
      return this.versions?.at(-1);
    });
  }

  async createToken(microvmId: string, ports: readonly number[], minutes: number): Promise<string> {
    return this.call('createToken', async () => {
      this.find('CreateMicrovmAuthToken', microvmId);
      this.tokens.push({ microvmId, ports, minutes });
      return `token-${this.tokens.length}`;
    });
  }

  private find(operation: string, microvmId: string) {
    const microvm = this.microvms.get(microvmId);
    if (!microvm) throw refuse('not_found', operation, `MicroVM not found: ${microvmId}`);
    return microvm;
  }

  private move(operation: string, microvmId: string, state: MicrovmState): void {
    const microvm = this.find(operation, microvmId);
    if (microvm.state === 'TERMINATED') throw refuse('ended', operation, `The MicroVM ${microvmId} has been terminated`);
    microvm.state = state;
  }
}
