import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Authorize, DeniedEvent } from 'microvm-sandbox-local';
import { LocalClock } from '../../../local/src/clock';
import { Gateway } from '../../../local/src/gateway';
import { iamGuards } from '../../../local/src/iam/guards';
import { Services } from '../../../local/src/services/services';
import { MicrovmsDouble } from '../test-cloud';

export const ACCOUNT = '000000000000';
export const REGION = 'us-east-1';

/** A service without microVMs and images. */
class EmptyMicrovms extends MicrovmsDouble {
  imageOf() {
    return undefined;
  }

  tagsOf() {
    return undefined;
  }
}

export interface Sent {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** The gateway with its guards and services, without stacks and without microVMs. */
export class IamCloud {
  static async start(authorize?: Authorize): Promise<IamCloud> {
    const cloud = new IamCloud(await mkdtemp(join(tmpdir(), 'iam-test-')), authorize);
    const { byName, responses } = cloud.services;
    await (cloud.services as { start?: () => Promise<void> }).start?.();
    const services = { ...byName, cloudformation: cloud.stacks };
    cloud.gateway.mount({ microvms: cloud.microvms, services, responses, responseHost: responses.host });
    cloud.port = await cloud.gateway.listen(0);
    return cloud;
  }

  readonly clock = new LocalClock();
  readonly microvms = new EmptyMicrovms();
  /** CloudFormation, which takes everything. */
  readonly stacks = { handle: async () => ({ status: 200, body: '<Response/>' }) };
  readonly denials: DeniedEvent[] = [];
  readonly services: Services;
  readonly gateway: Gateway;
  port = 0;

  private constructor(readonly folder: string, authorize?: Authorize) {
    const { clock, microvms } = this;
    const place = { account: ACCOUNT, region: REGION, clock };
    this.services = new Services({
      ...place,
      folder,
      gatewayPort: () => this.port,
      cloudEnvironment: () => ({ AWS_ENDPOINT_URL: this.endpoint }),
      onLog: () => undefined,
      authorize,
      onDenied: (event) => this.denials.push(event),
    });
    this.gateway = new Gateway(clock, iamGuards({ ...place, services: this.services, microvms }));
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get iam() {
    return this.services.iam;
  }

  /** For the clients of the SDK. */
  get configuration() {
    return { endpoint: this.endpoint, region: REGION, credentials: this.iam.user, maxAttempts: 1 };
  }

  /** Credentials of a new role that Lambda may assume, with these statements. */
  async roleWith(name: string, ...Statement: object[]) {
    const trust = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
    const role = this.iam.createRole(name, { trustPolicy: { Version: '2012-10-17', Statement: [trust] } });
    role.policies.set('Policy', { Version: '2012-10-17', Statement });
    const session = await this.iam.assumeForFunction(role.arn, 'session');
    if (!session) throw new Error(`role ${name} cannot be assumed`);
    return session.credentials();
  }

  /** A request as it stands, which no client changes. */
  send(path: string, { method = 'GET', headers = {}, body = '' }: { method?: string; headers?: object; body?: string | Buffer } = {}): Promise<Sent> {
    return new Promise((resolve, reject) => {
      const call = request({ host: '127.0.0.1', port: this.port, path, method, headers: { ...headers } }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
      });
      call.on('error', reject);
      call.end(body);
    });
  }

  async stop(): Promise<void> {
    await this.services.stop();
    await this.gateway.close();
    this.clock.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
