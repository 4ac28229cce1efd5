import {
  CreateMicrovmAuthTokenCommand,
  GetMicrovmCommand,
  GetMicrovmImageCommand,
  ResumeMicrovmCommand,
  RunMicrovmCommand,
  SuspendMicrovmCommand,
  TerminateMicrovmCommand,
} from '@aws-sdk/client-lambda-microvms';
import type { LambdaMicrovmsClient } from '@aws-sdk/client-lambda-microvms';
import { hasIngress, noHost } from './ingress';
import type { Microvm, MicrovmClient, MicrovmState, MicrovmStatus, RunRequest } from './microvms';
import { toServiceError } from './service-error';
import { PROXY_AUTH_HEADER } from '../../client/src/protocol/endpoint';
import { CURRENT_VERSION_TAG } from '../../src/contract/image';

const VERSION = /^\d{1,9}\.\d{1,9}$/;

interface Described {
  readonly microvmId?: string;
  readonly state?: string;
  readonly endpoint?: string;
  readonly stateReason?: string | null;
}

/** The MicroVMs service through the AWS SDK. */
export class SdkMicrovms implements MicrovmClient {
  constructor(private readonly client: Pick<LambdaMicrovmsClient, 'send'>) {}

  async run(request: RunRequest, clientToken: string): Promise<Microvm> {
    return ask('RunMicrovm', async () => {
      const described: Described = await this.client.send(new RunMicrovmCommand({ ...request, clientToken }));
      // Without ingress a microVM may have no endpoint to name.
      const endpoint = described.endpoint ?? (hasIngress(request) ? undefined : noHost(request));
      if (!endpoint) throw new Error('the answer lacks the endpoint');
      return { ...toStatus(described), endpoint };
    });
  }

  async get(microvmId: string): Promise<MicrovmStatus> {
    return ask('GetMicrovm', async () => toStatus(await this.client.send(new GetMicrovmCommand({ microvmIdentifier: microvmId }))));
  }

  async suspend(microvmId: string): Promise<void> {
    await ask('SuspendMicrovm', () => this.client.send(new SuspendMicrovmCommand({ microvmIdentifier: microvmId })));
  }

  async resume(microvmId: string): Promise<void> {
    await ask('ResumeMicrovm', () => this.client.send(new ResumeMicrovmCommand({ microvmIdentifier: microvmId })));
  }

  async terminate(microvmId: string): Promise<void> {
    await ask('TerminateMicrovm', () => this.client.send(new TerminateMicrovmCommand({ microvmIdentifier: microvmId })));
  }

  async currentVersion(imageArn: string): Promise<string | undefined> {
    return ask('GetMicrovmImage', async () => {
      const image = await this.client.send(new GetMicrovmImageCommand({ imageIdentifier: imageArn }));
      // Whoever may tag the image writes the tag: what is no version is none.
      const candidates = [image.tags?.[CURRENT_VERSION_TAG], image.latestActiveImageVersion];
      return candidates.find((version) => VERSION.test(version ?? ''));
    });
  }

  async createToken(microvmId: string, ports: readonly number[], minutes: number): Promise<string> {
    return ask('CreateMicrovmAuthToken', async () => {
      const { authToken } = await this.client.send(new CreateMicrovmAuthTokenCommand({
        microvmIdentifier: microvmId,
        expirationInMinutes: minutes,
        allowedPorts: ports.map((port) => ({ port })),
      }));
      const token = Object.entries(authToken ?? {}).find(([header]) => header.toLowerCase() === PROXY_AUTH_HEADER)?.[1];
      if (!token) throw new Error(`the answer holds no ${PROXY_AUTH_HEADER}`);
      return token;
    });
  }
}

async function ask<T>(operation: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toServiceError(operation, error);
  }
}

function toStatus({ microvmId, state, stateReason }: Described): MicrovmStatus {
  if (!microvmId || !state) throw new Error('the answer lacks microvmId or state');
  return { microvmId, state: state as MicrovmState, stateReason: stateReason ?? undefined };
}
