import type { LocalCloudOptions } from './local-cloud-options';

type JsType = 'string' | 'number' | 'boolean' | 'function' | 'object';

/** What the value of each option is, for callers whose compiler does not look. */
const TYPES: Readonly<Record<keyof LocalCloudOptions, readonly JsType[]>> = {
  port: ['number'],
  region: ['string'],
  account: ['string'],
  state: ['string'],
  isolation: ['string'],
  runSteps: ['boolean'],
  engine: ['string'],
  authorize: ['function'],
  bandwidth: ['boolean'],
  spares: ['number'],
  onEvent: ['function'],
  timeScale: ['number'],
  quotas: ['boolean', 'object'],
  memoryCounting: ['string'],
  suspendedExpiry: ['string'],
};

/** Refuses what nobody else looks at before something is started. */
export function checkOptions(options: LocalCloudOptions): void {
  for (const [name, value] of Object.entries(options)) checkType(name, value);
  const { port, account, region, state, spares } = options;
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65535)) {
    throw new RangeError(`startLocalCloud: port ${port} is not a whole number from 0 to 65535`);
  }
  const badAccount = account === undefined ? undefined : accountProblem(account);
  if (badAccount) throw new RangeError(`startLocalCloud: account "${account}" ${badAccount}`);
  const badRegion = region === undefined ? undefined : regionProblem(region);
  if (badRegion) throw new RangeError(`startLocalCloud: region "${region}" ${badRegion}`);
  if (state?.trim() === '') throw new RangeError('startLocalCloud: state is empty; name a folder, or leave it out to keep nothing');
  if (spares !== undefined && !(Number.isInteger(spares) && spares >= 0)) {
    throw new RangeError(`startLocalCloud: spares ${spares} is not a whole number from 0, which is none`);
  }
}

/** Why there can be no such account; undefined if there can. */
export function accountProblem(account: string): string | undefined {
  return /^\d{12}$/.test(account) ? undefined : 'is not twelve digits, as in 111122223333';
}

/** Why there can be no such Region; undefined if there can. */
export function regionProblem(region: string): string | undefined {
  return /^[a-z]{2}(?:-[a-z]+)+-\d$/.test(region) ? undefined : 'is not a Region\'s name, as in us-east-1';
}

function checkType(name: string, value: unknown): void {
  if (!Object.hasOwn(TYPES, name)) throw new RangeError(`startLocalCloud: there is no option "${name}"; there are ${Object.keys(TYPES).join(', ')}`);
  const allowed: readonly string[] = TYPES[name as keyof LocalCloudOptions];
  if (value === undefined || allowed.includes(typeof value)) return;
  throw new RangeError(`startLocalCloud: ${name} is a ${typeof value}, and has to be a ${allowed.join(' or ')}`);
}
