import { rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import { Background } from './background';
import { ImageBuild } from './build/image-build';
import { startContainerMachine } from './container/container-machine';
import { ControlPlane } from './control-plane';
import { EndingClock } from './ending-clock';
import type { ApiRequest, ApiResponse, ApiService } from '../api';
import type { Persistent } from '../persistent';
import { Endpoint } from './endpoint/endpoint';
import { EndpointAccess } from './endpoint/endpoint-access';
import { TokenOperations } from './endpoint/token-operations';
import { Fleet, type SavedFleet } from './fleet/fleet';
import type { MicrovmState } from './fleet/microvm-record';
import { Spares } from './guest/spares';
import { BaseImages } from './images/base-images';
import { ImageFiles } from './images/image-files';
import { ImageStore, type SavedImages } from './images/image-store';
import { ImageTags } from './images/image-tags';
import { ImageVersions } from './images/image-versions';
import { Images } from './images/images';
import { ManagedImages } from './images/managed-images';
import type { StartMachine } from './machine/machine';
import { Machines } from './machine/machines';
import { machineStarter } from './machine/start-machine';
import { imageRoutes, managedImageRoutes, microvmRoutes, tagRoutes } from './operations';
import { Ceilings } from './quotas';
import { RateLimits } from './rate-limits';
import { type MicrovmServiceOptions, readBehaviour } from './service-options';
import { Cursors } from './wire/cursors';
import { NO_FAULTS } from '../faults/microvm-faults';
import { metadataServer } from '../iam/instance-metadata';
import { FileDisposal } from '../state/file-disposal';

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
  /** Kept over a restart by whoever keeps the service. */
  readonly baseImages: BaseImages;
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
  readonly #endpoint: Endpoint;
  readonly #control: ControlPlane;
  #closing?: Promise<void>;

  constructor(options: MicrovmServiceOptions) {
    this.#options = options;
    const { account, region, logs, roles, objects, isolation, engine, runSteps, connectors } = options;
    const { faults = NO_FAULTS, bandwidth = false, spares: limit = DEFAULT_SPARES } = options;
    const { disposal = new FileDisposal(false), onChange = () => undefined } = options;
    const { quotas, delays, memoryCounting, suspendedExpiry } = readBehaviour(options, region);
    const place = { account, region };
    const folder = resolve(options.folder);
    const cursors = new Cursors();
    const baseImages = this.baseImages = new BaseImages(options.clock, onChange);
    // What breaks off because the service closes is nobody's concern.
    const onWarning = (message: string): void => (this.#closing ? undefined : options.onWarning?.(message));
    const clock = this.#clock = new EndingClock(options.clock);
    const machines = this.#machines = new Machines(starter(options, folder), join(folder, 'machines'));
    const spares = this.#spares = new Spares({ machines, clock, limit, onWarning });
    const background = this.#background = new Background(onWarning, onChange);
    const store = this.#store = new ImageStore(place, baseImages);
    const files = this.#files = new ImageFiles(join(folder, 'images'), (version) => this.#fleet.isUsed(version), disposal);
    const ceilings = new Ceilings(quotas, account, memoryCounting);
    const held = { clock, cursors, machines, spares, background, store, files, ceilings };
    const shared = { ...held, place, logs, roles, delays, faults, baseImages, connectors, onWarning };
    const transitionMs = delays.buildStepMs;
    this.#build = new ImageBuild({ ...shared, objects, transitionMs, isolation, hidden: [folder], runSteps, engine });
    this.#images = new Images({ ...shared, build: this.#build, isRunning: (image) => this.#fleet.isRunning(image) });
    this.#fleet = new Fleet({
      ...shared,
      network: networkOf(options),
      suspendedExpiry,
      metadata: (session) => metadataServer(session, clock),
      onReleased: (version) => background.run('Files of a deleted version', () => files.release(version)),
    });
    const access = new EndpointAccess({ place, fleet: this.#fleet, clock });
    this.#endpoint = new Endpoint({ access, clock, faults, bandwidth });
    const routes = [
      ...imageRoutes(this.#images, new ImageVersions(store, cursors, clock)),
      ...managedImageRoutes(new ManagedImages(place, cursors, baseImages)),
      ...microvmRoutes(this.#fleet, new TokenOperations(place, this.#fleet, clock)),
      ...tagRoutes(new ImageTags(store)),
    ];
    const limits = new RateLimits(clock, quotas.rates ?? {});
    this.#control = new ControlPlane({ routes, limits, onWarning: options.onWarning });
  }

  /** The control plane. */
  handle(request: ApiRequest): Promise<ApiResponse> {
    return this.#control.handle(request);
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

function networkOf({ engine, isolation }: MicrovmServiceOptions): string {
  if (engine) return `the network of ${engine.name}`;
  return isolation === 'namespaces' ? 'no network' : 'this machine\'s own network';
}

function starter({ engine, isolation }: MicrovmServiceOptions, folder: string): StartMachine {
  return engine ? (spec) => startContainerMachine(engine, spec) : machineStarter(isolation, [folder]);
}
