import { Microvm } from './microvm';
import type { MicrovmEnvironment } from './microvm-environment';
import {
  endpointOf, INTERNAL_ERROR, type MicrovmRecord, microvmSummary, microvmView, newMicrovmRecord, terminatedError,
} from './microvm-record';
import { readRunInput, type RunInput, type RunSettings } from './run-input';
import type { ConnectorDirectory } from '../../api';
import type { RoleAssumer, RoleSession } from '../../role-session';
import { AuthTokens } from '../endpoint/auth-tokens';
import { Guest } from '../guest/guest';
import type { ImageRecord, VersionRecord } from '../images/image-record';
import type { ImageStore } from '../images/image-store';
import type { Ceilings } from '../quotas';
import { parseImageArn, type Place } from '../wire/arns';
import { ClientTokens, type SavedTokens } from '../wire/client-tokens';
import { check, type Members } from '../wire/constraints';
import type { Cursors } from '../wire/cursors';
import { invalid, notFound } from '../wire/errors';
import { readQuery } from '../wire/json-type';
import { IDENTIFIER, NON_BLANK } from '../wire/member-rules';
import { type Page, page } from '../wire/pages';

/** The service tells of a TERMINATED microVM for about a day. */
const REMEMBERED_MS = 24 * 3_600_000;

const FILTERS: Members = { imageIdentifier: { ...IDENTIFIER, required: false }, imageVersion: NON_BLANK };

export interface FleetEnvironment extends MicrovmEnvironment {
  readonly store: ImageStore;
  readonly roles: RoleAssumer;
  readonly ceilings: Ceilings;
  readonly cursors: Cursors;
  readonly connectors?: ConnectorDirectory;
  /** What a microVM reaches here, whatever its connector says: `no network`. */
  readonly network: string;
  /** Told once no more is to come from a microVM of this version. */
  onReleased(version: VersionRecord): void;
}

/** What `save` answers and `restore` takes. */
export interface SavedFleet {
  readonly records: readonly MicrovmRecord[];
  readonly tokens: SavedTokens<string>;
}

/** The microVMs of the account: RunMicrovm and the operations on what it started. */
export class Fleet {
  readonly tokens = new AuthTokens();
  readonly #records = new Map<string, MicrovmRecord>();
  /** Those that this service started itself. */
  readonly #microvms = new Map<string, Microvm>();
  readonly #byEndpointId = new Map<string, Microvm>();
  /** Client tokens and the ids of what they started. */
  readonly #clientTokens = new ClientTokens<string>();
  readonly #place: Place;
  /** Connectors of the account that were told of. */
  readonly #told = new Set<string>();
  #lastSerial = 0;

  constructor(private readonly options: FleetEnvironment) {
    this.#place = options.place;
  }

  /** Everything that the service tells of. */
  records(): MicrovmRecord[] {
    this.#forget();
    return [...this.#records.values()];
  }

  async run(input: RunInput): Promise<object> {
    const settings = readRunInput(this.#place, input, this.options.connectors);
    const work = (): Promise<string> => this.#run(input, settings);
    const { value: id, repeated } = await this.#clientTokens.once(input.clientToken, input, work);
    const record = this.find(id);
    const asleep = record.state === 'SUSPENDED' || record.state === 'SUSPENDING';
    // A repeated request wakes what the first one started.
    if (repeated && asleep) void this.#microvms.get(id)?.resume();
    return microvmView(this.#place, record);
  }

  describe(id: string): object {
    return microvmView(this.#place, this.find(id));
  }

  list(query: URLSearchParams): Page<object> {
    const filters = readQuery(query, FILTERS) as { imageIdentifier?: string; imageVersion?: string };
    check(filters, FILTERS);
    const { imageIdentifier, imageVersion } = filters;
    const image = imageIdentifier === undefined ? undefined : this.options.store.resolve(imageIdentifier);
    const { items, nextToken } = page(this.options.cursors, query, {
      list: `microvms ${image?.id} ${imageVersion}`,
      items: this.records().filter((record) => (
        (!image || record.imageId === image.id) && (imageVersion === undefined || record.imageVersion === imageVersion)
      )),
      position: ({ serial }) => serial,
    });
    return { items: items.map(microvmSummary), nextToken };
  }

  suspend(id: string): object {
    void this.alive(id).suspend();
    return {};
  }

  resume(id: string): object {
    void this.alive(id).resume();
    return {};
  }

  terminate(id: string): object {
    this.find(id);
    void this.#microvms.get(id)?.terminate();
    return {};
  }

  async kill(id: string, exitCode: number): Promise<void> {
    this.find(id);
    await this.#microvms.get(id)?.kill(exitCode);
  }

  find(id: string): MicrovmRecord {
    this.#forget();
    const record = this.#records.get(id);
    if (!record) throw notFound(`MicroVM not found: ${id}`);
    return record;
  }

  /** The microVM, for what cannot be done to one that is over. */
  alive(id: string): Microvm {
    const { state } = this.find(id);
    const microvm = this.#microvms.get(id);
    if (microvm && state !== 'TERMINATED') return microvm;
    throw terminatedError(id);
  }

  /** The microVM that an endpoint's host name belongs to. */
  findByHost(host: string): Microvm | undefined {
    const [endpointId] = host.split('.');
    const microvm = this.#byEndpointId.get(endpointId);
    return microvm && endpointOf(this.#place, microvm.record) === host.replace(/:\d+$/, '') ? microvm : undefined;
  }

  isRunning(image: ImageRecord): boolean {
    return [...this.#records.values()].some(({ imageId, state }) => imageId === image.id && state !== 'TERMINATED');
  }

  isUsed(version: VersionRecord): boolean {
    return [...this.#microvms.values()].some(({ guest, state }) => guest.version === version && state !== 'TERMINATED');
  }

  /** Lets go of every microVM without a transition; whoever calls it stops the machines. */
  abandon(): void {
    for (const microvm of this.#microvms.values()) microvm.abandon();
  }

  save(): SavedFleet {
    return { records: this.records(), tokens: this.#clientTokens.save() };
  }

  /** Takes the microVMs back; those that were alive ended with the service. */
  restore({ records, tokens }: SavedFleet): void {
    const { clock } = this.options;
    for (const saved of records) {
      const over = saved.state === 'TERMINATED' ? {} : { state: 'TERMINATED', stateReason: INTERNAL_ERROR, terminatedAt: clock.now() } as const;
      this.#records.set(saved.id, { ...saved, ...over });
      this.#lastSerial = Math.max(this.#lastSerial, saved.serial);
    }
    this.#clientTokens.restore(tokens);
  }

  async #run(input: RunInput, settings: RunSettings): Promise<string> {
    const { store, ceilings, clock } = this.options;
    const name = parseImageArn(this.#place, input.imageIdentifier ?? '', 'run');
    const prepare = (): Guest => {
      const { image, version } = store.runnable(name, input.imageVersion ?? undefined);
      const guest = new Guest(this.#place, image, version);
      if (settings.runHookPayload === null || guest.hook('run')) return guest;
      throw invalid('The run hook must be enabled in the MicroVM image to pass the run hook payload.');
    };
    prepare();
    const session = await this.#assume(settings.executionRoleArn);
    // The image may have changed while the role was assumed.
    const guest = prepare();
    const record = newMicrovmRecord(guest, settings, { serial: ++this.#lastSerial, startedAt: clock.now() });
    ceilings.assertMemory(this.#allocatedMib(), record.memoryMib);
    this.#records.set(record.id, record);
    const onEnded = (): void => this.options.onReleased(guest.version);
    const { runHookPayload } = settings;
    const microvm = new Microvm({ record, guest, runHookPayload, session, onEnded }, this.options);
    this.#microvms.set(record.id, microvm);
    this.#byEndpointId.set(record.endpointId, microvm);
    settings.egressNetworkConnectors.forEach((arn) => this.#tellOf(arn));
    return record.id;
  }

  /** Once for each connector of the account: nothing here is what it stands for. */
  #tellOf(connector: string): void {
    if (connector.includes(':aws:network-connector:') || this.#told.has(connector)) return;
    this.#told.add(connector);
    this.options.onWarning(`Network connector ${connector}: microVMs have ${this.options.network} here, and its subnets, routes, security groups and firewalls do nothing`);
  }

  async #assume(roleArn: string | null): Promise<RoleSession | undefined> {
    if (roleArn === null) return undefined;
    const session = await this.options.roles.assume(roleArn);
    if (session) return session;
    throw invalid(`Unable to assume the execution role ${roleArn}: its trust policy must let lambda.amazonaws.com call `
      + 'sts:AssumeRole and sts:TagSession.');
  }

  /** Memory of all microVMs whose machine may still be there. */
  #allocatedMib(): number {
    const held = [...this.#records.values()].filter(({ state }) => state !== 'TERMINATED');
    return held.reduce((sum, { memoryMib }) => sum + memoryMib, 0);
  }

  #forget(): void {
    const oldest = this.options.clock.now() - REMEMBERED_MS;
    for (const { id, endpointId, terminatedAt } of this.#records.values()) {
      if (terminatedAt === null || terminatedAt > oldest) continue;
      this.#records.delete(id);
      this.#microvms.delete(id);
      this.#byEndpointId.delete(endpointId);
    }
  }
}
