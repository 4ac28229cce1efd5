import { atLeast, knownOperation, oneOf, positive } from './check';
import { type CallDynamoDb, CONDITIONAL_OPERATIONS, conditionFailed, isConditionalWrite } from './conditional-writes';
import { FaultList } from './fault-list';
import type {
  ConflictingWrites, Delay, ExceededQuota, FailingBuild, HangingHook, LostAnswer, MicrovmDeath, Refusal,
  RefusingEndpoint, SlowStorage,
} from './fault-options';
import type { BuildFailure, MicrovmFaults } from './microvm-faults';
import { type Occurrence, Strikes } from './occurrence';
import { type Random, seededRandom } from './random';
import { capacityExhausted, failed, QUOTA_OPERATIONS, quotaExceeded, throttled } from './refusals';
import type { ApiCall, ApiResponse, Guard } from '../api';
import type { Clock } from '../clock';
import type { HookName } from '../microvms/images/hook-settings';
import { S3_OPERATIONS, s3Location } from '../services/s3/s3-operation';

export interface FaultsOptions {
  readonly clock: Clock;
  /** Twelve digits; part of error texts. */
  readonly account: string;
  /** Lets a microVM die by itself. Throws if there is none of this id. */
  readonly killMicrovm: (microvmId: string, exitCode: number) => Promise<void>;
  readonly callDynamoDb: CallDynamoDb;
  /** Decides about rates. Default: a sequence that differs from run to run; see `seed`. */
  readonly random?: Random;
}

/** Before the service sees a call. An answer takes the place of the service's. */
type Admission = (call: ApiCall) => Promise<ApiResponse | undefined>;

const CHIPSET_GENERATIONS = ['3', '4'];
const HOOKS: readonly HookName[] = ['ready', 'validate', 'run', 'resume', 'suspend', 'terminate'];
const KILLED = 137;

/**
 * What goes wrong on purpose. Each fault strikes once unless `times` or `rate` says otherwise; those of one kind strike one after the
 * other, in the order in which they were switched on. Wrong options throw a `RangeError`.
 */
export class Faults implements Guard, MicrovmFaults {
  readonly #admissions = new FaultList<ApiCall, Admission>();
  readonly #losses = new FaultList<ApiCall, true>();
  readonly #deaths = new FaultList<string, number>();
  readonly #builds = new FaultList<string, BuildFailure>();
  readonly #hooks = new FaultList<{ readonly hook: HookName; readonly imageName: string }, true>();
  #endpoints: readonly { readonly microvmId?: string; readonly until: number }[] = [];
  #random: Random;

  constructor(private readonly options: FaultsOptions) {
    this.#random = options.random ?? Math.random;
  }

  /** From now on rates strike in the order that belongs to this number, so that a run with the same calls can be repeated. */
  seed(seed: number): void {
    atLeast('seed', 'seed', seed, 0);
    this.#random = seededRandom(seed);
  }

  /** Calls are refused as too many, before they take effect, with the service's own error: most often HTTP 429, DynamoDB's 400, S3's 503. */
  throttle({ operation, retryAfterSeconds, ...occurrence }: Refusal): void {
    this.#refuse('throttle', operation, occurrence, retryAfterSeconds, throttled);
  }

  /** Calls fail on the service's side, before they take effect: HTTP 500 with the service's own error. */
  fail({ operation, retryAfterSeconds, ...occurrence }: Refusal): void {
    this.#refuse('fail', operation, occurrence, retryAfterSeconds, failed);
  }

  /** Calls of the MicroVMs are refused over a quota, before they take effect: HTTP 402. */
  exceedQuota({ operation, ...occurrence }: ExceededQuota): void {
    oneOf('exceedQuota', 'operation', operation, QUOTA_OPERATIONS);
    const refuse: Admission = async (call) => quotaExceeded(call, this.options.account);
    this.#admissions.add(this.#strikes('exceedQuota', occurrence), refuse, (call) => call.operation === operation);
  }

  /** AWS has no room for another microVM: RunMicrovm is refused before it takes effect, HTTP 500 with an error that SDKs retry. */
  exhaustCapacity(occurrence: Occurrence = {}): void {
    this.#admissions.add(this.#strikes('exhaustCapacity', occurrence), async () => capacityExhausted(), (call) => call.operation === 'RunMicrovm');
  }

  /** The calls take effect, and their answers never leave: the caller waits until it gives up. */
  loseAnswer({ operation, ...occurrence }: LostAnswer): void {
    knownOperation('loseAnswer', operation);
    this.#losses.add(this.#strikes('loseAnswer', occurrence), true, (call) => call.operation === operation);
  }

  /** The service sees the calls later. Time passes on the cloud's clock. */
  delay({ operation, ms, ...occurrence }: Delay): void {
    knownOperation('delay', operation);
    positive('delay', 'ms', ms);
    const wait: Admission = async () => {
      await this.options.clock.sleep(ms);
      return undefined;
    };
    this.#admissions.add(this.#strikes('delay', occurrence), wait, (call) => call.operation === operation);
  }

  /** Conditions of DynamoDB's writes do not hold, as if another writer was faster. Nothing is written; writes without a condition pass. */
  conflictWrites({ operation, table, ...occurrence }: ConflictingWrites = {}): void {
    if (operation !== undefined) oneOf('conflictWrites', 'operation', operation, CONDITIONAL_OPERATIONS);
    const refuse: Admission = (call) => conditionFailed(call, table, this.options.callDynamoDb);
    this.#admissions.add(this.#strikes('conflictWrites', occurrence), refuse, (call) => (
      (operation ?? call.operation) === call.operation && isConditionalWrite(call, table)
    ));
  }

  /** S3 asks for fewer requests, before they take effect: HTTP 503, `SlowDown`. */
  slowDownStorage({ operation, bucket, retryAfterSeconds, ...occurrence }: SlowStorage = {}): void {
    if (operation !== undefined) oneOf('slowDownStorage', 'operation', operation, S3_OPERATIONS);
    if (retryAfterSeconds !== undefined) atLeast('slowDownStorage', 'retryAfterSeconds', retryAfterSeconds, 0);
    const refuse: Admission = async (call) => throttled(call, retryAfterSeconds);
    this.#admissions.add(this.#strikes('slowDownStorage', occurrence), refuse, (call) => (
      call.service === 's3' && (operation ?? call.operation) === call.operation
      && (bucket === undefined || s3Location(call.request.path).bucket === bucket)
    ));
  }

  /** A microVM dies by itself: its endpoint answers 502 at once, and a little later the service tells that it is TERMINATED. */
  killMicrovm({ microvmId, exitCode = KILLED, ...occurrence }: MicrovmDeath = {}): Promise<void> {
    atLeast('killMicrovm', 'exitCode', exitCode, 0);
    if (exitCode > 255) throw new RangeError(`killMicrovm: exitCode must be at most 255, got ${exitCode}`);
    const strikes = this.#strikes('killMicrovm', occurrence);
    if (microvmId === undefined) {
      this.#deaths.add(strikes, exitCode, () => true);
      return Promise.resolve();
    }
    const { times = occurrence.rate } = occurrence;
    if (times === undefined) return this.options.killMicrovm(microvmId, exitCode);
    throw new RangeError('killMicrovm: times and rate are for microVMs that start; leave them out with microvmId');
  }

  /** Builds of image versions fail, before anything is built. */
  failBuild({ image, reason, log = [], chipsetGeneration, ...occurrence }: FailingBuild): void {
    if (reason === '') throw new RangeError('failBuild: reason must not be empty; the service words it as "The container image build failed."');
    if (chipsetGeneration !== undefined) oneOf('failBuild', 'chipsetGeneration', chipsetGeneration, CHIPSET_GENERATIONS);
    const chipsetGenerations = chipsetGeneration === undefined ? CHIPSET_GENERATIONS : [chipsetGeneration];
    const failure = { reason, log: [...log], chipsetGenerations };
    this.#builds.add(this.#strikes('failBuild', occurrence), failure, (name) => (image ?? name) === name);
  }

  /** Hooks get no answer, and run into their timeouts on the cloud's clock. */
  hangHook({ hook, image, ...occurrence }: HangingHook): void {
    oneOf('hangHook', 'hook', hook, HOOKS);
    this.#hooks.add(this.#strikes('hangHook', occurrence), true, (call) => (
      call.hook === hook && (image ?? call.imageName) === call.imageName
    ));
  }

  /** Endpoints answer 502 to every request that is allowed to come. Connections that are open stay so. */
  refuseEndpoint({ microvmId, seconds }: RefusingEndpoint): void {
    positive('refuseEndpoint', 'seconds', seconds);
    const now = this.options.clock.now();
    const lasting = this.#endpoints.filter(({ until }) => now < until);
    this.#endpoints = [...lasting, { microvmId, until: now + seconds * 1000 }];
  }

  /** Switches every fault off. What a fault has done already stays so. */
  clear(): void {
    for (const list of [this.#admissions, this.#losses, this.#deaths, this.#builds, this.#hooks]) list.clear();
    this.#endpoints = [];
  }

  /** @internal */
  async admit(call: ApiCall): Promise<ApiResponse | undefined> {
    for (const admission of this.#admissions.strikes(call)) {
      const answer = await admission(call);
      if (answer) return answer;
    }
    return undefined;
  }

  /** @internal */
  async release(call: ApiCall, answer: ApiResponse): Promise<ApiResponse | undefined> {
    return this.#losses.strike(call) ? undefined : answer;
  }

  /** @internal */
  exitCode(microvmId: string): number | undefined {
    return this.#deaths.strike(microvmId);
  }

  /** @internal */
  buildFailure(imageName: string): BuildFailure | undefined {
    return this.#builds.strike(imageName);
  }

  /** @internal */
  hangs(hook: HookName, imageName: string): boolean {
    return this.#hooks.strike({ hook, imageName }) === true;
  }

  /** @internal */
  refusesEndpoint(microvmId: string): boolean {
    const now = this.options.clock.now();
    return this.#endpoints.some((fault) => now < fault.until && (fault.microvmId ?? microvmId) === microvmId);
  }

  #refuse(
    fault: string,
    operation: string,
    occurrence: Occurrence,
    retryAfterSeconds: number | undefined,
    refusal: typeof throttled,
  ): void {
    knownOperation(fault, operation);
    if (retryAfterSeconds !== undefined) atLeast(fault, 'retryAfterSeconds', retryAfterSeconds, 0);
    const refuse: Admission = async (call) => refusal(call, retryAfterSeconds);
    this.#admissions.add(this.#strikes(fault, occurrence), refuse, (call) => call.operation === operation);
  }

  #strikes(fault: string, occurrence: Occurrence): Strikes {
    return new Strikes(fault, occurrence, () => this.#random());
  }
}
