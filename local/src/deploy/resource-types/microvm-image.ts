import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { checkImageProperties, imageRequest, imageTags } from './microvm-image-request';
import type { Properties } from '../properties';
import { requiredString } from '../properties';
import type { ResourceContext, ResourceType } from '../resource-type';
import { handlerError, untilStable } from '../stabilization';
import type { Resource } from '../stack';

const IMAGES = '/2025-09-09/microvm-images';
const TAGS = '/2017-03-31/tags';

interface ServiceAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** CloudFormation's own type for images. It builds like every other caller, and keeps the reason of a failure to itself. */
export const microvmImage: ResourceType = {
  createOnly: ['Name'],
  name: 'Name',
  changesAttributes: true,
  async create(properties, context) {
    checkImageProperties(properties, context.logicalId);
    const body = { ...imageRequest(properties), name: requiredString(properties, 'Name'), tags: imageTags(properties), clientToken: randomUUID() };
    const answer = await call(context, `POST ${IMAGES}`, body);
    // The image has no ARN yet that could be named.
    if (/already exists in this account$/.test(String(answer.body.message))) throw handlerError('AlreadyExists', 'null already exists.');
    const arn = String(checked(answer).body.imageArn);
    context.stands(arn);
    return settled(arn, context);
  },
  async update({ physicalId }, properties, context, before) {
    checkImageProperties(properties, context.logicalId);
    await changeTags(physicalId, { properties, before }, context);
    const request = imageRequest(properties);
    if (!isDeepStrictEqual(request, imageRequest(before))) {
      checked(await call(context, `PUT ${IMAGES}/${encodeURIComponent(physicalId)}`, { ...request, clientToken: randomUUID() }));
    }
    return settled(physicalId, context);
  },
  async delete({ physicalId }, _, context) {
    const path = `${IMAGES}/${encodeURIComponent(physicalId)}`;
    const answer = await call(context, `DELETE ${path}`);
    if (answer.status === 404) return;
    checked(answer);
    await untilStable(context, async () => ((await call(context, `GET ${path}`)).status === 404 ? true : undefined));
  },
};

async function settled(arn: string, context: ResourceContext): Promise<Resource> {
  const { body } = await untilStable(context, async () => {
    const answer = checked(await call(context, `GET ${IMAGES}/${encodeURIComponent(arn)}`));
    return /ING$/.test(String(answer.body.state)) ? undefined : answer;
  });
  if (body.state !== 'CREATED' && body.state !== 'UPDATED') throw handlerError('NotStabilized');
  const time = (seconds: unknown): string => new Date(Number(seconds) * 1000).toISOString();
  const attributes = {
    ImageArn: arn,
    State: body.state,
    CreatedAt: time(body.createdAt),
    UpdatedAt: time(body.updatedAt),
    LatestActiveImageVersion: body.latestActiveImageVersion ?? '',
    LatestFailedImageVersion: body.latestFailedImageVersion ?? '',
  };
  return { physicalId: arn, attributes };
}

/** Without a build. */
async function changeTags(
  arn: string,
  { properties, before }: { readonly properties: Properties; readonly before: Properties },
  context: ResourceContext,
): Promise<void> {
  const Tags = imageTags(properties);
  const path = `${TAGS}/${encodeURIComponent(arn)}`;
  const removed = Object.keys(imageTags(before)).filter((key) => !Object.hasOwn(Tags, key));
  if (removed.length > 0) checked(await call(context, `DELETE ${path}?${removed.map((key) => `tagKeys=${encodeURIComponent(key)}`).join('&')}`));
  if (!isDeepStrictEqual(Tags, imageTags(before))) checked(await call(context, `POST ${path}`, { Tags }));
}

/** `line` is `<method> <path>`. */
async function call({ microvms }: ResourceContext, line: string, body?: object): Promise<ServiceAnswer> {
  const [method, target] = line.split(' ');
  const [path, rawQuery] = target.split('?');
  const sent = body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body));
  const answer = await microvms.handle({ method, path, rawQuery, query: new URLSearchParams(rawQuery), headers: {}, body: sent, accessKeyId: '' });
  return { status: answer.status, body: JSON.parse(String(answer.body ?? '{}')) as ServiceAnswer['body'] };
}

function checked(answer: ServiceAnswer): ServiceAnswer {
  if (answer.status < 400) return answer;
  throw handlerError(answer.status === 404 ? 'NotFound' : 'InvalidRequest', String(answer.body.message));
}
