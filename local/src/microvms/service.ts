import { rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import { ENDPOINT_HOST } from 'microvm-sandbox/protocol';
import type { ApiRequest, ApiResponse, ApiService, LogSink, ObjectReader } from '../api';
import type { Clock } from '../clock';
import type { RoleAssumer } from '../role-session';
import { Background } from './background';
import { Endpoint } from './endpoint';
import { EndpointAccess } from './endpoint-access';
import { errorResponse, htmlResponse, jsonResponse, ServiceError } from './errors';
import { Fleet } from './fleet';
import { ImageBuild } from './image-build';
import { ImageTags } from './image-tags';
import { Images } from './images';
import type { Isolation } from './machine/machine';
import { machineStarter } from './machine/start-machine';
import { Machines } from './machines';
import type { MicrovmState } from './microvm';
import { imageRoutes, microvmRoutes, tagRoutes } from './operations';
import { matchRoute, type Route } from './routes';

export interface MicrovmServiceOptions {
  /** 12 digits. */
  readonly account: string;
  readonly region: string;
  /** Has to run until `close` is done. */
  readonly clock: Clock;
  /** Where code artifacts are read from. */
  readonly objects: ObjectReader;
  readonly logs: LogSink;
  /** Build roles read artifacts and write build logs; execution roles write logs and are the guest's credentials. */
  readonly roles: RoleAssumer;
  /** Images and machines live below it; no guest sees it. For this service alone. */
  readonly folder: string;
  readonly isolation: Isolation;
  /** What a user should know although nothing failed: steps of a Dockerfile that are left out, machines that did not start. */
  readonly onWarning?: (message: string) => void;
  /** How long PENDING, SUSPENDING and other states on the way last at least, in milliseconds. Default 20. */
  readonly transitionMs?: number;
}

export interface MicrovmSummary {
  readonly microvmId: string;
  readonly imageArn: string;
  readonly state: MicrovmState;
}

/** Lambda MicroVMs on this machine: the control plane, the endpoints, and the machines behind them. */
export class MicrovmService implements ApiService {
  readonly #options: MicrovmServiceOptions;
  readonly #machines: Machines;
  readonly #background: Background;
  readonly #images: Images;
  readonly #fleet: Fleet;
  readonly #endpoint: Endpoint;
  readonly #routes: readonly Route[];
  #closing?: Promise<void>;

  constructor(options: MicrovmServiceOptions) {
    this.#options = options;
    const { account, region, clock, objects, logs, roles, isolation, transitionMs = 20 } = options;
    const place = { account, region };
    const folder = resolve(options.folder);
    // What breaks off because the service closes is nobody's concern.
    const onWarning = (message: string): void => (this.#closing ? undefined : options.onWarning?.(message));
    this.#machines = new Machines(machineStarter(isolation, [folder]), join(folder, 'machines'));
    this.#background = new Background(onWarning);
    const shared = {
      place,
      clock,
      logs,
      roles,
      machines: this.#machines,
      background: this.#background,
      transitionMs,
      onWarning,
    };
    this.#images = new Images({
      ...shared,
      build: new ImageBuild({ ...shared, objects }),
      folder: join(folder, 'images'),
      isRunning: (image) => this.#fleet.isRunning(image),
    });
    this.#fleet = new Fleet(place, this.#images, shared);
    this.#endpoint = new Endpoint(new EndpointAccess({ place, fleet: this.#fleet, clock }), clock);
    this.#routes = [
      ...imageRoutes(place, this.#images),
      ...microvmRoutes(this.#fleet),
      ...tagRoutes(new ImageTags(place, this.#images)),
    ];
  }

  /** The control plane: `/2025-09-09/…`, and the tags of images. */
  async handle(request: ApiRequest): Promise<ApiResponse> {
    const match = matchRoute(this.#routes, request);
    if (!match) return htmlResponse(404);
    // An id that is none does not get as far as the service.
    if (match.values.microvm !== undefined && !/^microvm-[0-9a-f-]{36}$/.test(match.values.microvm)) return htmlResponse(502);
    try {
      const body = match.route.run(match.values, request);
      return match.route.status === 204 ? { status: 204 } : jsonResponse(match.route.status, body);
    } catch (error) {
      if (error instanceof ServiceError) return errorResponse(error.type, error.message);
      this.#options.onWarning?.(`${request.method} ${request.path}: ${(error as Error).message}`);
      return errorResponse('InternalServerException', null);
    }
  }

  /** The data plane: a request to a microVM's own host name. */
  handleEndpoint(request: IncomingMessage, response: ServerResponse): void {
    void this.#endpoint.handle(request, response);
  }

  /** The data plane for WebSockets. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    void this.#endpoint.handleUpgrade(request, socket, head);
  }

  /** True for the `Host` of a microVM's endpoint, with or without a port. */
  isEndpointHost(host: string): boolean {
    return ENDPOINT_HOST.test(host.replace(/:\d+$/, ''));
  }

  list(): { readonly images: readonly string[]; readonly microvms: readonly MicrovmSummary[] } {
    const microvms = this.#fleet.all().map(({ id, guest, state }) => (
      { microvmId: id, imageArn: guest.image.imageArn, state }
    ));
    return { images: this.#images.names, microvms };
  }

  /** Ends every machine; no process and no folder of a machine or image is left when this resolves. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // The clock's timers alone do not keep the process alive until all is done.
    const alive = setInterval(() => undefined, 1000);
    try {
      for (const microvm of this.#fleet.all()) microvm.abandon();
      await this.#machines.close();
      await this.#background.settle();
      await rm(join(resolve(this.#options.folder), 'images'), { recursive: true, force: true });
    } finally {
      clearInterval(alive);
    }
  }
}
