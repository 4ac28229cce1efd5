import { connectorArn, parseImageArn, type Place } from './arns';
import { AuthTokens, type PortRange } from './auth-tokens';
import { ClientTokens } from './client-tokens';
import { check, type Members } from './constraints';
import { invalid, ServiceError } from './errors';
import { Guest } from './guest';
import type { ImageRecord } from './image-record';
import type { Images } from './images';
import { Microvm, type MicrovmEnvironment } from './microvm';
import { type Page, page } from './pages';
import { readRunInput, type RunInput } from './run-input';

const MAX_TOKEN_MINUTES = 60;

interface PortInput {
  readonly port?: number | null;
  readonly range?: { readonly startPort: number; readonly endPort: number } | null;
  readonly allPorts?: object | null;
}

export interface TokenInput {
  readonly expirationInMinutes?: number;
  readonly allowedPorts?: readonly PortInput[];
}

const PORT = { type: 'integer', min: 1, max: 65_535 } as const;
const EXPIRATION: Members = { expirationInMinutes: { type: 'integer', required: true, min: 1 } };
const TOKEN: Members = {
  ...EXPIRATION,
  allowedPorts: {
    type: 'list',
    required: true,
    min: 1,
    items: {
      type: 'structure',
      members: {
        port: PORT,
        range: { type: 'structure', members: { startPort: { ...PORT, required: true }, endPort: { ...PORT, required: true } } },
        allPorts: { type: 'structure' },
      },
    },
  },
};

/** The microVMs of the account: RunMicrovm and the operations on what it started. */
export class Fleet {
  readonly tokens = new AuthTokens();
  readonly #microvms = new Map<string, Microvm>();
  readonly #clientTokens = new ClientTokens<Microvm>();

  constructor(
    private readonly place: Place,
    private readonly images: Images,
    private readonly environment: MicrovmEnvironment,
  ) {}

  all(): Microvm[] {
    return [...this.#microvms.values()];
  }

  run(input: RunInput): object {
    const settings = readRunInput(this.place, input);
    const earlier = this.#clientTokens.recall(input.clientToken, input);
    if (earlier) {
      // A repeated request wakes what the first one started.
      if (earlier.state === 'SUSPENDED') void earlier.resume();
      return this.#view(earlier);
    }
    const name = parseImageArn(this.place, input.imageIdentifier ?? '', 'run');
    const { image, version } = this.images.runnable(name, input.imageVersion ?? undefined);
    const guest = new Guest(this.place, image, version);
    if (settings.runHookPayload !== null && !guest.hook('run')) {
      throw invalid('The run hook must be enabled in the MicroVM image to pass the run hook payload.');
    }
    const microvm = new Microvm(guest, settings, this.environment);
    this.#microvms.set(microvm.id, microvm);
    return this.#view(this.#clientTokens.remember(input.clientToken, input, microvm));
  }

  describe(id: string): object {
    return this.#view(this.find(id));
  }

  list(query: URLSearchParams): Page<object> {
    const identifier = query.get('imageIdentifier');
    const version = query.get('imageVersion');
    const image = identifier === null ? undefined : this.images.find(parseImageArn(this.place, identifier, 'image'));
    const wanted = this.all().filter(({ guest }) => (
      (!image || guest.image === image) && (version === null || guest.version.imageVersion === version)
    ));
    const { items, nextToken } = page(wanted, query);
    return { items: items.map((microvm) => this.#summary(microvm)), nextToken };
  }

  suspend(id: string): object {
    void this.find(id).suspend();
    return {};
  }

  resume(id: string): object {
    void this.find(id).resume();
    return {};
  }

  terminate(id: string): object {
    void this.find(id).terminate();
    return {};
  }

  isRunning(image: ImageRecord): boolean {
    return this.all().some(({ guest, state }) => guest.image === image && state !== 'TERMINATED');
  }

  createToken(id: string, input: TokenInput): object {
    check(input as Record<string, unknown>, TOKEN);
    const microvm = this.#reachable(id);
    const minutes = assertMinutes(input);
    const expiresAt = this.environment.clock.now() + minutes * 60_000;
    const ports = (input.allowedPorts ?? []).map(readPorts);
    return { authToken: { 'X-aws-proxy-auth': this.tokens.mint({ microvmId: microvm.id, ports, expiresAt }) } };
  }

  /** Refuses every request: there is no shell behind the local endpoints. */
  createShellToken(id: string, input: TokenInput): never {
    check(input as Record<string, unknown>, EXPIRATION);
    const { ingressNetworkConnectors: ingress } = this.#reachable(id).settings;
    assertMinutes(input);
    if (!ingress.includes(connectorArn(this.place, 'SHELL_INGRESS'))) {
      throw invalid('Shell access requires SHELL_INGRESS network connector to be configured on the MicroVM.');
    }
    if (ingress.includes(connectorArn(this.place, 'ALL_INGRESS'))) {
      throw invalid('ALL_INGRESS cannot be combined with other ingress network connectors; use HTTP_INGRESS and/or SHELL_INGRESS instead');
    }
    throw invalid('The local cloud gives no shell access to its MicroVMs.');
  }

  find(id: string): Microvm {
    const microvm = this.#microvms.get(id);
    if (!microvm) throw new ServiceError('ResourceNotFoundException', `MicroVM not found: ${id}`);
    return microvm;
  }

  /** The microVM that an endpoint's host name belongs to. */
  findByHost(host: string): Microvm | undefined {
    const [endpointId] = host.split('.');
    const microvm = this.all().find((candidate) => candidate.endpointId === endpointId);
    return microvm && this.#endpoint(microvm) === host.replace(/:\d+$/, '') ? microvm : undefined;
  }

  #reachable(id: string): Microvm {
    const microvm = this.find(id);
    if (microvm.state !== 'TERMINATED' && microvm.state !== 'TERMINATING') return microvm;
    throw invalid(`The MicroVM ${id} has been terminated and its state cannot be changed.`);
  }

  #endpoint(microvm: Microvm): string {
    return `${microvm.endpointId}.lambda-microvm.${this.place.region}.on.aws`;
  }

  #summary({ id, guest, startedAt, state }: Microvm): object {
    return {
      imageArn: guest.image.imageArn,
      imageVersion: guest.version.imageVersion,
      microvmId: id,
      startedAt: startedAt / 1000,
      state,
    };
  }

  #view(microvm: Microvm): object {
    const { settings, stateReason, terminatedAt } = microvm;
    return {
      ...this.#summary(microvm),
      egressNetworkConnectors: settings.egressNetworkConnectors,
      endpoint: this.#endpoint(microvm),
      executionRoleArn: settings.executionRoleArn,
      idlePolicy: settings.idlePolicy,
      ingressNetworkConnectors: settings.ingressNetworkConnectors,
      maximumDurationInSeconds: settings.maximumDurationInSeconds,
      stateReason,
      terminatedAt: terminatedAt === null ? null : terminatedAt / 1000,
      terminationReasonCode: null,
    };
  }
}

function assertMinutes(input: TokenInput): number {
  const minutes = input.expirationInMinutes ?? 0;
  if (minutes > MAX_TOKEN_MINUTES) throw invalid(`ExpirationMinutes ${minutes} exceeded max allowed of ${MAX_TOKEN_MINUTES}.`);
  return minutes;
}

function readPorts({ port, range, allPorts }: PortInput): PortRange {
  const given = [port, range, allPorts].filter((member) => member !== undefined && member !== null);
  if (given.length !== 1) throw invalid('Exactly one of port, range and allPorts must be set in each of allowedPorts.');
  if (port) return [port, port];
  if (!range) return [1, 65_535];
  if (range.startPort > range.endPort) throw invalid(`The port range ${range.startPort}-${range.endPort} ends before it starts.`);
  return [range.startPort, range.endPort];
}
