import { ServiceError } from './wire/errors';

/** Operations whose calls are counted by the second. */
const RATED_OPERATIONS = [
  'RunMicrovm', 'ResumeMicrovm', 'SuspendMicrovm', 'TerminateMicrovm', 'GetMicrovm', 'ListMicrovms', 'CreateMicrovmAuthToken',
  'CreateMicrovmShellAuthToken',
] as const;
export type RatedOperation = (typeof RATED_OPERATIONS)[number];

/** How RunMicrovm adds up the memory of microVMs; sources disagree about the service. */
export type MemoryCounting = 'baseline' | 'peak';

/** What the account may use of the MicroVMs. */
export interface MicrovmQuotas {
  /** What is left out is as for a new account in this Region; without it, it is not limited. Default: false. */
  readonly defaults?: boolean;
  /** Calls per second by operation; as many may come at once. */
  readonly rates?: Readonly<Partial<Record<RatedOperation, number>>>;
  /** Memory of all microVMs that are not TERMINATED, in MiB. */
  readonly memoryMib?: number;
  readonly concurrentBuilds?: number;
  readonly images?: number;
  /** Of one image. */
  readonly versionsPerImage?: number;
}

/** AWS publishes no rate for ListMicrovms, but bursts of it are throttled. */
const UNPUBLISHED_LIST_RATE = 5;

const DEFAULT_RATES: Readonly<Record<RatedOperation, number>> = {
  RunMicrovm: 5,
  ResumeMicrovm: 5,
  SuspendMicrovm: 2,
  TerminateMicrovm: 10,
  GetMicrovm: 100,
  ListMicrovms: UNPUBLISHED_LIST_RATE,
  CreateMicrovmAuthToken: 50,
  CreateMicrovmShellAuthToken: 5,
};

const LARGE_REGIONS = ['us-east-1', 'us-east-2', 'us-west-2', 'ap-northeast-1'];

/** The size that a burst may reach, as a multiple of the baseline. */
const PEAK_FACTOR = 4;

/** The quotas of an account to which none was raised. */
export function defaultQuotas(region: string): Required<Omit<MicrovmQuotas, 'defaults'>> {
  const large = LARGE_REGIONS.includes(region);
  return {
    rates: DEFAULT_RATES,
    memoryMib: (large ? 1024 : 400) * 1024,
    concurrentBuilds: large ? 10 : 5,
    images: 100,
    versionsPerImage: 50,
  };
}

/** Checks the `quotas` option. */
export function readQuotas(option: true | MicrovmQuotas | undefined, region: string): MicrovmQuotas {
  const known = defaultQuotas(region);
  if (option === true) return known;
  const { rates = {}, defaults = false, ...counts } = option ?? {};
  for (const [name, value] of Object.entries(counts)) assertCount(`quotas.${name}`, value, Object.keys(known).includes(name));
  for (const [name, value] of Object.entries(rates)) {
    assertCount(`quotas.rates.${name}`, value, (RATED_OPERATIONS as readonly string[]).includes(name));
  }
  const base: MicrovmQuotas = defaults ? known : {};
  return { ...base, ...given(counts), rates: { ...base.rates, ...given(rates) } };
}

/** Without what is there and undefined, which would take a default away. */
function given<Values extends object>(values: Values): Partial<Values> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<Values>;
}

function assertCount(name: string, value: number | undefined, known: boolean): void {
  if (!known) {
    throw new RangeError(`${name} is no quota of the MicroVMs; there are ${Object.keys(defaultQuotas('')).join(', ')}, and rates of ${RATED_OPERATIONS.join(', ')}`);
  }
  if (value !== undefined && !(Number.isInteger(value) && value > 0)) throw new RangeError(`${name}: ${value} is not a whole number above 0`);
}

/** Refuses what would go beyond a quota, with the status that clients do not retry. */
export class Ceilings {
  constructor(
    private readonly quotas: MicrovmQuotas,
    private readonly account: string,
    private readonly memoryCounting: MemoryCounting,
  ) {}

  /** `running`: builds that are not over. */
  assertBuild(running: number): void {
    const most = this.quotas.concurrentBuilds ?? Infinity;
    if (running >= most) throw buildsExceeded(this.account);
  }

  assertImage(existing: number): void {
    const most = this.quotas.images ?? Infinity;
    if (existing >= most) throw exceeded(`Account ${this.account} has reached the maximum number of MicroVM images allowed.`);
  }

  assertVersion(existing: number, imageArn: string): void {
    const most = this.quotas.versionsPerImage ?? Infinity;
    if (existing >= most) throw exceeded(`MicroVM image ${imageArn} has reached the maximum number of versions allowed.`);
  }

  /** Both in MiB of baseline memory. */
  assertMemory(allocated: number, wanted: number): void {
    const most = this.quotas.memoryMib ?? Infinity;
    // Counted by the peak, a launch is refused only once the sum is above the quota already.
    const full = this.memoryCounting === 'peak' ? allocated * PEAK_FACTOR > most : allocated + wanted > most;
    if (full) throw memoryExceeded();
  }
}

export function memoryExceeded(): ServiceError {
  return exceeded('The base maximum allocated memory limit has been reached for this account.');
}

export function buildsExceeded(account: string): ServiceError {
  return exceeded(`Account ${account} has reached the maximum number of concurrent builds allowed.`);
}

function exceeded(message: string): ServiceError {
  return new ServiceError('ServiceQuotaExceededException', message);
}
