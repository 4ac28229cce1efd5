import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiRequest, ApiResponse } from '../../local/src/api';
import { LocalClock } from '../../local/src/clock';
import type { CloudEvent } from '../../local/src/cloud-event';
import { Deployer } from '../../local/src/deploy/deployer';
import { Faults } from '../../local/src/faults/faults';
import type { EndpointProxy } from '../../local/src/gateway';
import { Gateway } from '../../local/src/gateway';
import { CloudFormationService } from '../../local/src/services/cloudformation/cloudformation-service';
import { HotswapRefusal } from '../../local/src/services/cloudformation/hotswap-refusal';
import { Services } from '../../local/src/services/services';

const ACCOUNT = '000000000000';
const REGION = 'us-east-1';

/** Stands where the MicroVMs are: notes the requests, and answers as an endpoint. */
export class MicrovmsDouble implements EndpointProxy {
  readonly requests: ApiRequest[] = [];
  readonly upgrades: string[] = [];

  async handle(request: ApiRequest): Promise<ApiResponse> {
    this.requests.push(request);
    return { status: 200, headers: { 'content-type': 'application/json' }, body: '{"items":[]}' };
  }

  isEndpointHost(host: string): boolean {
    return host.endsWith('.lambda-microvm.us-east-1.on.aws');
  }

  readonly handleEndpoint: EndpointProxy['handleEndpoint'] = (request, response) => {
    request.pipe(response);
  };

  readonly handleUpgrade: EndpointProxy['handleUpgrade'] = (request, socket) => {
    this.upgrades.push(request.url ?? '');
    socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n');
  };
}

/** The local cloud without its microVMs. */
export class TestCloud {
  readonly account = ACCOUNT;
  readonly region = REGION;
  readonly clock = new LocalClock();
  readonly faults = new Faults({
    clock: this.clock,
    account: ACCOUNT,
    killMicrovm: async () => undefined,
    callDynamoDb: (operation, input) => this.services.dynamodb.call(operation, input),
  });
  readonly microvms = new MicrovmsDouble();
  readonly events: CloudEvent[] = [];
  readonly gateway = new Gateway(this.clock, [new HotswapRefusal(), this.faults]);
  readonly services: Services;
  readonly deployer: Deployer;
  readonly cloudFormation: CloudFormationService;
  port = 0;

  constructor(readonly folder: string) {
    const { account, region, clock } = this;
    const emit = (event: CloudEvent): void => void this.events.push(event);
    this.services = new Services({
      account,
      region,
      clock,
      folder,
      gatewayPort: () => this.port,
      cloudEnvironment: () => ({ AWS_ENDPOINT_URL: this.endpoint, MICROVM_SANDBOX_LOCAL_ENDPOINT: this.endpoint }),
      onLog: () => undefined,
    });
    this.services.parameters.preset('/cdk-bootstrap/hnb659fds/version', '30');
    this.deployer = new Deployer({ services: this.services, microvms: this.microvms, clock, account, region, emit });
    const { engine } = this.deployer;
    this.cloudFormation = new CloudFormationService({ engine, objects: this.services.buckets, clock, account, region });
  }

  async start(): Promise<void> {
    const { byName, responses } = this.services;
    const services = { ...byName, cloudformation: this.cloudFormation };
    this.gateway.mount({ microvms: this.microvms, services, responses, responseHost: responses.host });
    this.port = await this.gateway.listen(0);
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** For the clients of the SDK. */
  get clientConfiguration() {
    return { endpoint: this.endpoint, region: this.region, credentials: this.services.iam.user, maxAttempts: 1 };
  }

  async stop(): Promise<void> {
    await this.services.stop();
    await this.gateway.close();
    this.clock.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function startTestCloud(): Promise<TestCloud> {
  const cloud = new TestCloud(await mkdtemp(join(tmpdir(), 'local-cloud-test-')));
  await cloud.start();
  return cloud;
}
