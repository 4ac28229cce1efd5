const MAX_PHYSICAL_ID_BYTES = 1024;
/** What stands for an answer that is none: there is nothing in it to check. */
const UNREADABLE = /^(?:Response object is too long\.|Invalid response: )/;

/** What CloudFormation sends to the function of a custom resource. */
export interface CustomResourceRequest {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly ServiceToken: string;
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly ResourceType: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: unknown;
  readonly OldResourceProperties?: unknown;
}

export interface SuccessfulAnswer {
  readonly isSuccess: true;
  readonly physicalId: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly isSecret: boolean;
}

export interface FailedAnswer {
  readonly isSuccess: false;
  readonly physicalId?: string;
  readonly reason: string;
}

/** What the function answered, once it is checked. */
export type CustomResourceAnswer = SuccessfulAnswer | FailedAnswer;

export function failedAnswer(reason: string, physicalId?: string): FailedAnswer {
  return { isSuccess: false, reason, ...(physicalId !== undefined && { physicalId }) };
}

/**
 * Holds an answer to CloudFormation's form. One for another request, as a handler that keeps state between its calls sends it, counts for
 * nothing but a failure.
 */
export function checkAnswer(given: object, sent: CustomResourceRequest): CustomResourceAnswer {
  const answer = given as Readonly<Record<string, unknown>>;
  const { Status, Reason, PhysicalResourceId, Data = {}, NoEcho, ...echoed } = answer;
  const physicalId = isPhysicalId(PhysicalResourceId) ? PhysicalResourceId : undefined;
  if (Status === 'FAILED' && typeof Reason === 'string' && UNREADABLE.test(Reason)) return failedAnswer(Reason);
  if (Status !== 'SUCCESS' && Status !== 'FAILED') return failedAnswer(`Invalid Response object: '${text(Status)}' is not a valid ResponseStatus`, physicalId);
  for (const name of ['StackId', 'RequestId', 'LogicalResourceId'] as const) {
    if (echoed[name] === sent[name]) continue;
    return failedAnswer(`Invalid Response object: Value of property ${name} must be that of the request, ${sent[name]}; got ${text(echoed[name])}`, physicalId);
  }
  if (physicalId === undefined) return failedAnswer('Invalid PhysicalResourceId');
  if (Status === 'FAILED') return failedAnswer(failureText(Reason, sent), physicalId);
  if (typeof Data !== 'object' || Data === null || Array.isArray(Data)) return failedAnswer('Invalid Response object: Value of property Data must be an object', physicalId);
  return { isSuccess: true, physicalId, data: asTexts(Data), isSecret: NoEcho === true || NoEcho === 'true' };
}

function isPhysicalId(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= MAX_PHYSICAL_ID_BYTES;
}

function failureText(reason: unknown, { RequestId }: CustomResourceRequest): string {
  if (typeof reason !== 'string' || reason === '') return 'Vendor response doesn\'t contain Reason attribute';
  return `Received response status [FAILED] from custom resource. Message returned: ${reason} (RequestId: ${RequestId})`;
}

/** Attributes are texts, whatever the function made of them; lists and objects stay. */
function asTexts(data: object): Record<string, unknown> {
  const isScalar = (value: unknown): boolean => typeof value === 'number' || typeof value === 'boolean';
  const texts = Object.entries(data).map(([name, value]) => [name, isScalar(value) ? String(value) : value]);
  return Object.fromEntries(texts) as Record<string, unknown>;
}

/** Cut short: whatever an answer holds ends in events. */
function text(value: unknown): string {
  return String(value).slice(0, 256);
}
