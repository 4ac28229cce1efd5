import { randomUUID } from 'node:crypto';
import type { Timer } from '../../clock';
import type { CustomResourceAnswer, CustomResourceRequest, SuccessfulAnswer } from '../custom-resource-answer';
import { checkAnswer, failedAnswer } from '../custom-resource-answer';
import type { Properties } from '../properties';
import { optionalNumber, requiredString } from '../properties';
import type { ResourceContext, ResourceType } from '../resource-type';
import { generatedName } from '../resource-type';
import type { Resource } from '../stack';

/** CloudFormation waits this long for an answer, unless the template says less. */
const MAX_TIMEOUT_SECONDS = 3600;

interface Asked {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly PhysicalResourceId?: string;
  readonly OldResourceProperties?: unknown;
}

/** A resource that a function of the template's makes: the function gets CloudFormation's request and answers on its response URL. */
export const customResource: ResourceType = {
  changesAttributes: true,
  refuse(before, after) {
    return before.ServiceToken === after.ServiceToken ? undefined : 'Modifying service token is not allowed.';
  },
  async create(properties, context) {
    const answer = await request({ RequestType: 'Create' }, properties, context);
    // CloudFormation deletes a resource whose creation failed, by the id that the failure came with, or by one that it makes up.
    if (answer.isSuccess) return resourceOf(answer);
    context.stands(answer.physicalId ?? generatedName(context, 100));
    throw new Error(answer.reason);
  },
  async update(resource, properties, context, before) {
    const { physicalId } = resource;
    const answer = await request(
      { RequestType: 'Update', PhysicalResourceId: physicalId, OldResourceProperties: before },
      properties,
      context,
    );
    if (!answer.isSuccess) throw new Error(answer.reason);
    return resourceOf(answer);
  },
  async delete({ physicalId }, properties, context) {
    const answer = await request({ RequestType: 'Delete', PhysicalResourceId: physicalId }, properties, context);
    if (!answer.isSuccess) throw new Error(answer.reason);
  },
};

function resourceOf({ physicalId, data, isSecret }: SuccessfulAnswer): Resource {
  return { physicalId, attributes: data, ...(isSecret && { isSecret }) };
}

async function request(asked: Asked, properties: Properties, context: ResourceContext): Promise<CustomResourceAnswer> {
  const { services, stackId, logicalId, type } = context;
  const seconds = timeoutOf(properties);
  const { url, response, cancel } = services.responses.expect(stackId, logicalId);
  const { OldResourceProperties, ...rest } = asked;
  const sent: CustomResourceRequest = {
    ...rest,
    ServiceToken: requiredString(properties, 'ServiceToken'),
    ResponseURL: url,
    StackId: stackId,
    RequestId: randomUUID(),
    ResourceType: type,
    LogicalResourceId: logicalId,
    ResourceProperties: asStrings(properties),
    ...(OldResourceProperties !== undefined && { OldResourceProperties: asStrings(OldResourceProperties) }),
  };
  const late = timeout(seconds, sent, context);
  const end = untilAborted(context.ending);
  try {
    const given = response.then((body) => checkAnswer(body, sent));
    const answer = await Promise.race([given, failureOf(sent, context), late.answer, end.broken]);
    // Whoever has the URL can answer in the resource's place.
    if (answer.isSuccess) return answer;
    return { ...answer, reason: legible(answer.reason, context).replaceAll(url, '<response URL>') };
  } finally {
    late.timer.cancel();
    end.forget();
    cancel();
  }
}

/** A reason with control characters makes CloudFormation's events unreadable for everybody until it is out of their sight. */
function legible(reason: string, { logicalId, warn }: ResourceContext): string {
  // eslint-disable-next-line no-control-regex -- these are what it is about
  const cleaned = reason.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '');
  if (cleaned !== reason) warn(`${logicalId}: the reason that it failed with has control characters; on AWS nobody can read the stack's events for that`);
  return cleaned;
}

function timeoutOf(properties: Properties): number {
  const seconds = optionalNumber(properties, 'ServiceTimeout') ?? MAX_TIMEOUT_SECONDS;
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_TIMEOUT_SECONDS) return seconds;
  throw new Error(`Properties validation failed: ServiceTimeout must be a whole number of seconds from 1 to ${MAX_TIMEOUT_SECONDS}, got ${seconds}`);
}

function timeout(
  seconds: number,
  { RequestId }: CustomResourceRequest,
  { clock }: ResourceContext,
): { timer: Timer; answer: Promise<CustomResourceAnswer> } {
  const reason = `CloudFormation did not receive a response from your Custom Resource within ${seconds} seconds. Please check your logs for requestId [${RequestId}].`;
  const { promise: answer, resolve } = deferred<CustomResourceAnswer>();
  return { timer: clock.after(seconds * 1000, () => resolve(failedAnswer(reason))), answer };
}

/** Rejects when the signal aborts. */
function untilAborted(signal: AbortSignal): { broken: Promise<never>; forget: () => void } {
  let forget = (): void => undefined;
  const broken = new Promise<never>((_, reject) => {
    const breakOff = (): void => reject(signal.reason);
    signal.addEventListener('abort', breakOff);
    forget = () => signal.removeEventListener('abort', breakOff);
  });
  return { broken, forget };
}

function deferred<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/**
 * A function that fails before it has answered leaves CloudFormation waiting for an hour; there is no reason to wait here. Never answers
 * if the function did not fail.
 */
async function failureOf(sent: CustomResourceRequest, { services }: ResourceContext): Promise<CustomResourceAnswer> {
  if (!/:lambda:/.test(sent.ServiceToken)) {
    throw new Error(`ServiceToken "${sent.ServiceToken}" is not the ARN of a function, the only kind that the local cloud calls`);
  }
  const result = await services.lambda.invoke(sent.ServiceToken, JSON.stringify(sent));
  if (!result.functionError) return new Promise(() => undefined);
  const { errorType, errorMessage } = JSON.parse(result.payload) as { errorType: string; errorMessage: string };
  return failedAnswer(`the function ${sent.ServiceToken} failed without an answer: ${errorType}: ${errorMessage}`);
}

/** CloudFormation hands numbers and booleans over as strings. */
function asStrings(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asStrings);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, element]) => [key, asStrings(element)]));
  }
  return value === null || value === undefined ? value : String(value);
}
