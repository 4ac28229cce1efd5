import { rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import type { ApiRequest, ApiResponse, ApiService, LogSink, ObjectReader } from '../api';
import type { Clock } from '../clock';
import { Background } from './background';
import { type MicrovmFaults, NO_FAULTS } from '../faults/microvm-faults';
import { metadataServer } from '../iam/instance-metadata';
import type { Persistent } from '../persistent';
import type { RoleAssumer } from '../role-session';
import { FileDisposal } from '../state/file-disposal';
import type { ContainerEngine } from './container/container-engine';
import { startContainerMachine } from './container/container-machine';
import { CursorError, Cursors } from './cursors';
import { EndingClock } from './ending-clock';
import { Endpoint } from './endpoint';
import { EndpointAccess } from './endpoint-access';
import { errorResponse, htmlResponse, jsonResponse, ServiceError, unreadableCursor } from './errors';
import { Fleet, type SavedFleet } from './fleet';
import { ImageBuild } from './image-build';
import { ImageFiles } from './image-files';
import { ImageStore, type SavedImages } from './image-store';
import { ImageTags } from './image-tags';
import { ImageVersions } from './image-versions';
import { Images } from './images';
import type { Isolation, StartMachine } from './machine/machine';
import { machineStarter } from './machine/start-machine';
import { Machines } from './machines';
import { ManagedImages } from './managed-images';
import type { MicrovmState } from './microvm-record';
import { imageRoutes, managedImageRoutes, microvmRoutes, tagRoutes } from './operations';
import { Ceilings } from './quotas';
import { RateLimits } from './rate-limits';
import { matchRoute, type Route } from './routes';
import { readBehaviour, type ServiceBehaviour } from './service-options';
import { Spares } from './spares';
import { TokenOperations } from './token-operations';

export interface MicrovmServiceOptions extends ServiceBehaviour {
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
  /** Built images stay in `folder` after `close`, for a later `restore`. Default: they are removed. */
  readonly keepImages?: boolean;
  /** Takes the files of what was deleted. Default: they are removed at once. */
  readonly disposal?: FileDisposal;
  /** Told when something has changed that no request waits for. */
  readonly onChange?: () => void;
  /** RUN steps of Dockerfiles are executed, in namespaces and without a network. Default: they are left out. */
  readonly runSteps?: boolean;
  /** Builds and runs images as containers, in the place of `isolation`. Default: none. */
  readonly engine?: ContainerEngine;
  /** What goes wrong on purpose. Default: nothing. */
  readonly faults?: MicrovmFaults;
  /** MicroVMs that are started ahead and wait, frozen, to be run: one per image version, the latest used. 0: none. Default: 4. */
  readonly spares?: number;
  /** Endpoints carry as many bytes and connections as the microVM's size allows. Default: as many as this machine does. */
  readonly bandwidth?: boolean;
}

const DEFAULT_SPARES = 4;

/** The endpoints answer for every name in their domain, also for one that no microVM has. */
const ENDPOINT_DOMAIN = /^[a-z0-9-]+\.lambda-microvm\.[a-z0-9-]+\.on\.aws(?::\d+)?$/;

export interface ImageOfMicrovm {
  readonly imageArn: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface MicrovmSummary {
  readonly microvmId: string;
  readonly imageArn: string;
  readonly state: MicrovmState;
}

/** What `save` answers and `restore` takes. */
interface SavedService {
  readonly images: SavedImages;
  readonly imageTokens: ReturnType<Images['save']>;
  readonly fleet: SavedFleet;
}

/** Lambda MicroVMs on this machine: the control plane, the endpoints, and the machines behind them. */
export class MicrovmService implements ApiService, Persistent {
  readonly #options: MicrovmServiceOptions;
  readonly #clock: EndingClock;
  readonly #machines: Machines;
  readonly #spares: Spares;
  readonly #background: Background;
  readonly #store: ImageStore;
  readonly #files: ImageFiles;
  readonly #build: ImageBuild;
  readonly #images: Images;
  readonly #fleet: Fleet;
  readonly #limits: RateLimits;
  readonly #endpoint: Endpoint;
  readonly #routes: readonly Route[];
  #closing?: Promise<void>;

  constructor(options: MicrovmServiceOptions) {
    this.#options = options;
    const { account, region, logs, roles, isolation, engine, runSteps } = options;
    const { faults = NO_FAULTS, bandwidth = false, onChange = () => undefined } = options;
    const { disposal = new FileDisposal(false) } = options;
    const clock = new EndingClock(options.clock);
    this.#clock = clock;
    const place = { account, region };
    const folder = resolve(options.folder);
    const { quotas, delays, memoryCounting, suspendedExpiry } = readBehaviour(options, region);
    const cursors = new Cursors();
    // What breaks off because the service closes is nobody's concern.
    const onWarning = (message: string): void => (this.#closing ? undefined : options.onWarning?.(message));
    const startInContainer: StartMachine | undefined = engine && ((spec) => startContainerMachine(engine, spec));
    this.#machines = new Machines(startInContainer ?? machineStarter(isolation, [folder]), join(folder, 'machines'));
    this.#spares = new Spares({ machines: this.#machines, clock, limit: options.spares ?? DEFAULT_SPARES, onWarning });
    this.#background = new Background(onWarning, onChange);
    this.#store = new ImageStore(place);
    this.#files = new ImageFiles(join(folder, 'images'), (version) => this.#fleet.isUsed(version), disposal);
    this.#limits = new RateLimits(clock, quotas.rates ?? {});
    const shared = {
      place,
      clock,
      logs,
      roles,
      machines: this.#machines,
      spares: this.#spares,
      background: this.#background,
      store: this.#store,
      files: this.#files,
      ceilings: new Ceilings(quotas, account, memoryCounting),
      cursors,
      delays,
      onWarning,
      faults,
    };
    this.#build = new ImageBuild({
      ...shared,
      objects: options.objects,
      transitionMs: delays.buildStepMs,
      isolation,
      hidden: [folder],
      runSteps,
      engine,
    });
    this.#images = new Images({
      ...shared,
      build: this.#build,
      isRunning: (image) => this.#fleet.isRunning(image),
    });
    this.#fleet = new Fleet({
      ...shared,
      suspendedExpiry,
      metadata: (session) => metadataServer(session, clock),
      onReleased: (version) => this.#background.run('Files of a deleted version', () => this.#files.release(version)),
    });
    const access = new EndpointAccess({ place, fleet: this.#fleet, clock });
    this.#endpoint = new Endpoint({ access, clock, faults, bandwidth });
    this.#routes = [
      ...imageRoutes(this.#images, new ImageVersions(this.#store, cursors, clock)),
      ...managedImageRoutes(new ManagedImages(place, cursors)),
      ...microvmRoutes(this.#fleet, new TokenOperations(place, this.#fleet, clock)),
      ...tagRoutes(new ImageTags(this.#store)),
    ];
  }

  /** The control plane: `/2025-09-09/…`, and the tags of images. */
  async handle(request: ApiRequest): Promise<ApiResponse> {
    const match = matchRoute(this.#routes, request);
    if (!match) return htmlResponse(404);
    // An id that is none does not get as far as the service.
    if (match.values.microvm !== undefined && !/^microvm-[0-9a-f-]{36}$/.test(match.values.microvm)) return htmlResponse(502);
    try {
      await this.#limits.admit(match.route.operation);
      assertEncodedCursor(request);
      const body = await match.route.run(match.values, request);
      return match.route.status === 204 ? { status: 204 } : jsonResponse(match.route.status, body);
    } catch (error) {
      if (error instanceof ServiceError) return errorResponse(error.type, error.message);
      if (error instanceof CursorError) return unreadableCursor();
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

  /** True for a `Host` that the endpoints answer for, with or without a port, whether it is a microVM's or not. */
  isEndpointHost(host: string): boolean {
    return ENDPOINT_DOMAIN.test(host);
  }

  list(): { readonly images: readonly string[]; readonly microvms: readonly MicrovmSummary[] } {
    const microvms = this.#fleet.records().map(({ id, imageArn, state }) => ({ microvmId: id, imageArn, state }));
    return { images: this.#store.all().map(({ name }) => name), microvms };
  }

  /** The image of a microVM, which is what permissions on the microVM are asked for. Undefined: there is no such microVM. */
  imageOf(microvmId: string): ImageOfMicrovm | undefined {
    const record = this.#fleet.records().find(({ id }) => id === microvmId);
    const image = this.#store.all().find(({ id }) => id === record?.imageId);
    return record && { imageArn: record.imageArn, tags: image?.tags ?? {} };
  }

  /** The tags of an image; undefined: there is no such image. */
  tagsOf(imageArn: string): Readonly<Record<string, string>> | undefined {
    return this.#store.all().find((image) => image.imageArn === imageArn)?.tags;
  }

  /** Makes a microVM die as if its main process had ended by itself. Default exit code: that of a killed process. */
  kill(microvmId: string, exitCode = 137): Promise<void> {
    return this.#fleet.kill(microvmId, exitCode);
  }

  save(): SavedService {
    return { images: this.#store.save(), imageTokens: this.#images.save(), fleet: this.#fleet.save() };
  }

  /** Images need `keepImages` to be of use again. MicroVMs that were alive are TERMINATED, builds that were under way have failed. */
  async restore(state: unknown): Promise<void> {
    const { images, imageTokens, fleet } = state as SavedService;
    this.#images.restore(imageTokens);
    this.#fleet.restore(fleet);
    await this.#store.restore(images, this.#files);
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
      this.#fleet.abandon();
      this.#clock.end();
      this.#build.close();
      await Promise.all([this.#spares.close(), this.#machines.close()]);
      await this.#background.settle();
      if (!this.#options.keepImages) await rm(join(resolve(this.#options.folder), 'images'), { recursive: true, force: true });
    } finally {
      clearInterval(alive);
    }
  }
}

/** The service takes a `=` in a cursor percent-encoded only. */
function assertEncodedCursor({ rawQuery = '' }: ApiRequest): void {
  if (/(?:^|&)nextToken=[^&]*=/.test(rawQuery)) throw new CursorError();
}
