import { randomUUID } from 'node:crypto';
import type { Timer } from '../../clock';
import type { CustomResourceResponse } from '../../services/custom-resource-responses';
import type { Properties } from '../properties';
import { requiredString } from '../properties';
import type { ResourceContext, ResourceType } from '../resource-type';
import { generatedName } from '../resource-type';
import type { Resource } from '../stack';
import { PartialFailure } from '../stack';

/** CloudFormation waits this long for an answer, unless the template says less. */
const DEFAULT_TIMEOUT_SECONDS = 3600;

interface CustomRequest {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly PhysicalResourceId?: string;
  readonly OldResourceProperties?: unknown;
}

/** A resource that a function of the template's makes: the function gets CloudFormation's request and answers on its response URL. */
export const customResource: ResourceType = {
  async create(properties, context) {
    const response = await request({ RequestType: 'Create' }, properties, context);
    const physicalId = response.PhysicalResourceId;
    // CloudFormation deletes a resource whose creation failed, by the id that the failure came with.
    if (response.Status !== 'SUCCESS') throw new PartialFailure(physicalId ?? generatedName(context, 100), reasonOf(response));
    if (!physicalId) throw new PartialFailure(generatedName(context, 100), 'Invalid PhysicalResourceId');
    return resourceOf(response, physicalId);
  },
  async update(resource, properties, context, before) {
    const { physicalId } = resource;
    const response = await request(
      { RequestType: 'Update', PhysicalResourceId: physicalId, OldResourceProperties: before },
      properties,
      context,
    );
    if (response.Status !== 'SUCCESS') throw new Error(reasonOf(response));
    return resourceOf(response, response.PhysicalResourceId ?? physicalId);
  },
  async delete({ physicalId }, properties, context) {
    const response = await request({ RequestType: 'Delete', PhysicalResourceId: physicalId }, properties, context);
    if (response.Status !== 'SUCCESS') throw new Error(reasonOf(response));
  },
};

function resourceOf({ Data = {} }: CustomResourceResponse, physicalId: string): Resource {
  return { physicalId, attributes: Data };
}

async function request(
  given: CustomRequest,
  properties: Properties,
  context: ResourceContext,
): Promise<CustomResourceResponse> {
  const { services, clock, stackId, logicalId, type } = context;
  const { url, response, cancel } = services.responses.expect(stackId, logicalId);
  const { OldResourceProperties, ...rest } = given;
  const payload = {
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
  const seconds = Number(properties.ServiceTimeout ?? DEFAULT_TIMEOUT_SECONDS);
  const late = { Status: 'FAILED', Reason: `CloudFormation did not receive a response from your Custom Resource within ${seconds} seconds.` };
  let timer: Timer | undefined;
  const timeout = new Promise<CustomResourceResponse>((resolve) => {
    timer = clock.after(seconds * 1000, () => resolve(late));
  });
  try {
    const answer = await Promise.race([response, failureOf(payload, context), timeout]);
    // Whoever has the URL can answer in the resource's place.
    return { ...answer, Reason: answer.Reason?.replaceAll(url, '<response URL>') };
  } finally {
    timer?.cancel();
    cancel();
  }
}

/**
 * A function that fails before it has answered leaves CloudFormation waiting for an hour; there is no reason to wait here. Never answers
 * if the function did not fail.
 */
async function failureOf(
  payload: { ServiceToken: string },
  { services }: ResourceContext,
): Promise<CustomResourceResponse> {
  if (!/:lambda:/.test(payload.ServiceToken)) {
    throw new Error(`ServiceToken "${payload.ServiceToken}" is not the ARN of a function, the only kind that the local cloud calls`);
  }
  const result = await services.lambda.invoke(payload.ServiceToken, JSON.stringify(payload));
  if (!result.functionError) return new Promise(() => undefined);
  const { errorType, errorMessage } = JSON.parse(result.payload) as { errorType: string; errorMessage: string };
  return { Status: 'FAILED', Reason: `the function ${payload.ServiceToken} failed without an answer: ${errorType}: ${errorMessage}` };
}

function reasonOf({ Reason }: CustomResourceResponse): string {
  if (!Reason) return 'the custom resource failed and gave no reason';
  return `Received response status [FAILED] from custom resource. Message returned: ${Reason}`;
}

/** CloudFormation hands numbers and booleans over as strings. */
function asStrings(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asStrings);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, element]) => [key, asStrings(element)]));
  }
  return value === null || value === undefined ? value : String(value);
}
