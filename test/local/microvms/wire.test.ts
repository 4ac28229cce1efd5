import { ListMicrovmImageBuildsCommand } from '@aws-sdk/client-lambda-microvms';
import { EVERY_OPERATION, type OperationRequest } from './every-operation';
import { ACCOUNT, type Answer, BASE_IMAGE, MicrovmCloud, REGION, ROLE } from './microvm-cloud';

const SLEEPER = { Dockerfile: 'FROM scratch\nCMD ["sleep", "600"]\n' };
const IMAGE = `arn:aws:lambda:${REGION}:${ACCOUNT}:microvm-image:kept`;
const UNKNOWN = 'microvm-00000000-0000-0000-0000-000000000000';
const connector = (name: string): string => `arn:aws:lambda:${REGION}:aws:network-connector:aws-network-connector:${name}`;

let cloud: MicrovmCloud;
let microvm: string;
let build: string;
beforeAll(async () => {
  cloud = await new MicrovmCloud('processes', undefined, { timeScale: 0 }).open();
  await cloud.createImage('kept', SLEEPER);
  ({ id: microvm } = await cloud.run(IMAGE, { ingressNetworkConnectors: [connector('HTTP_INGRESS'), connector('SHELL_INGRESS')] }));
  const { items = [] } = await cloud.client.send(new ListMicrovmImageBuildsCommand({ imageIdentifier: IMAGE, imageVersion: '1.0' }));
  build = items[0].buildId ?? '';
});
afterAll(() => cloud.close());

const fill = (text: string): string => text.replaceAll('{image}', IMAGE).replaceAll('{microvm}', microvm).replaceAll('{build}', build);
const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/');
const settled = (arn: string) => cloud.until('a settled image', async () => !(await cloud.imageState(arn))?.endsWith('ING'));

const sendTo = (path: string, { method, body }: Pick<OperationRequest, 'method' | 'body'>) => (
  cloud.raw(method, fill(path), body ? fill(JSON.stringify(body)) : '')
);

function read({ status, headers, body }: Answer) {
  return { status, type: headers['x-amzn-errortype'], body: JSON.parse(body) as Record<string, unknown> };
}

/** Every time in an answer, also in items of lists. */
function timesIn(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => (name.endsWith('At') && member !== null ? [member] : timesIn(member)));
}

describe('a success', () => {
  beforeEach(() => settled(IMAGE));

  const endAll = async (): Promise<void> => {
    for (const { microvmId } of cloud.service.list().microvms) await cloud.terminate(microvmId);
  };

  test.each(EVERY_OPERATION)('of $operation has its status, all of its members, and times in seconds', async (request) => {
    if (request.operation === 'DeleteMicrovmImage') await endAll();
    const { status, headers, body } = await sendTo(request.path, request);
    expect(status).toBe(request.status);
    expect(headers['x-amzn-errortype']).toBeUndefined();
    if (status === 204) {
      expect({ body, type: headers['content-type'] }).toEqual({ body: '', type: undefined });
      return;
    }
    expect(headers['content-type']).toBe('application/json');
    const answer = JSON.parse(body) as Record<string, unknown>;
    expect(Object.keys(answer).sort()).toEqual(request.members);
    const times = timesIn(answer);
    // Milliseconds would be a thousand times as many.
    expect(times.filter((time) => typeof time !== 'number' || time < 1.7e9 || time > 4e9)).toEqual([]);
    if (request.members.includes('startedAt')) expect(times.length).toBeGreaterThan(0);
  });
});

describe('a request', () => {
  let image: string;
  let id: string;
  beforeAll(async () => {
    image = await cloud.createImage('asked', SLEEPER, { tags: { team: 'a' } });
    ({ id } = await cloud.run(image));
  });
  afterAll(() => cloud.terminate(id));

  const post = async (path: string, body: object) => read(await cloud.raw('POST', `/2025-09-09/${path}`, JSON.stringify(body)));
  const run = (more: object) => post('microvms', { imageIdentifier: image, ...more });
  const create = (name: string, more: object) => post('microvm-images', {
    name, baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri: 's3://artifacts/asked.zip' }, ...more,
  });
  const nulls = (...names: string[]): object => Object.fromEntries(names.map((name) => [name, null]));

  test('may have each segment of its path percent-encoded, or none', async () => {
    const path = `/2025-09-09/microvm-images/${image}`;
    for (const asked of [
      path, `${path}/versions`, `${path}/versions/1.0`, `${path}/versions/1.0/builds`, `/2025-09-09/microvms/${id}`,
      `/2025-09-09/managed-microvm-images/${BASE_IMAGE}/versions`, `/2017-03-31/tags/${image}`,
    ]) {
      const raw = await cloud.raw('GET', asked);
      expect(raw.status).toBe(200);
      expect(await cloud.raw('GET', encoded(asked))).toMatchObject({ status: 200, body: raw.body });
    }
  });

  test('may have members that are not known, which are ignored', async () => {
    const unknown = { unknownMember: { a: [1] } };
    const { status, body } = await create('unknown', { ...unknown, hooks: { port: 1, unknownMember: 'x' } });
    expect(status).toBe(201);
    expect(JSON.stringify(body)).not.toContain('unknownMember');
    await settled(String(body.imageArn));
    // An update has neither.
    const change = { baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: body.codeArtifact, name: 'renamed', tags: { x: 'y' } };
    const path = `/2025-09-09/microvm-images/${String(body.imageArn)}`;
    expect(read(await cloud.raw('PUT', path, JSON.stringify(change)))).toMatchObject({ status: 200, body: { name: 'unknown' } });
    await settled(String(body.imageArn));
    expect(read(await cloud.raw('GET', path)).body).toMatchObject({ name: 'unknown', tags: {} });
    const ran = await run({ ...unknown, idlePolicy: null });
    expect(ran.status).toBe(200);
    expect(JSON.stringify(ran.body)).not.toContain('unknownMember');
    await cloud.terminate(String(ran.body.microvmId));
  });

  test('to CreateMicrovmImage with null for a member, or an empty list, is one without it', async () => {
    const members = ['baseImageVersion', 'description', 'logging', 'egressNetworkConnectors', 'cpuConfigurations', 'resources',
      'additionalOsCapabilities', 'hooks', 'environmentVariables', 'clientToken', 'tags'];
    const defaults = {
      baseImageVersion: '1.0',
      description: null,
      logging: null,
      egressNetworkConnectors: [connector('INTERNET_EGRESS')],
      cpuConfigurations: null,
      resources: [{ minimumMemoryInMiB: 2048 }],
      additionalOsCapabilities: null,
      hooks: null,
      environmentVariables: null,
      tags: null,
    };
    expect(await create('nulls', nulls(...members))).toMatchObject({ status: 201, body: defaults });
    const { resources, egressNetworkConnectors } = defaults;
    expect(await create('empties', { resources: [], egressNetworkConnectors: [] }))
      .toMatchObject({ status: 201, body: { resources, egressNetworkConnectors } });
    expect(await create('kept-empty', { environmentVariables: {} })).toMatchObject({ status: 201, body: { environmentVariables: {} } });
    for (const name of ['nulls', 'empties', 'kept-empty']) await settled(image.replace(/asked$/, name));
  });

  test('to RunMicrovm with null for a member, or an empty list, is one without it', async () => {
    const members = ['imageVersion', 'executionRoleArn', 'ingressNetworkConnectors', 'egressNetworkConnectors', 'idlePolicy', 'logging',
      'runHookPayload', 'maximumDurationInSeconds', 'clientToken'];
    const defaults = {
      imageVersion: '1.0',
      executionRoleArn: null,
      ingressNetworkConnectors: [connector('HTTP_INGRESS')],
      egressNetworkConnectors: [connector('INTERNET_EGRESS')],
      idlePolicy: null,
      maximumDurationInSeconds: 28_800,
    };
    for (const more of [nulls(...members), { ingressNetworkConnectors: [], egressNetworkConnectors: [] }]) {
      const { status, body } = await run(more);
      expect({ status, body }).toMatchObject({ status: 200, body: defaults });
      await cloud.terminate(String(body.microvmId));
    }
  });

  test('under the same client token is the same one with null for a member that the first left out', async () => {
    const first = await run({ clientToken: 'nulls' });
    const second = await run({ clientToken: 'nulls', idlePolicy: null, logging: null });
    expect(second).toMatchObject({ status: 200, body: { microvmId: first.body.microvmId } });
    await cloud.terminate(String(first.body.microvmId));
  });
});

describe('a failure', () => {
  test.each([
    ['POST', '/2025-09-09/microvm-images/{image}'],
    ['PATCH', '/2025-09-09/microvm-images/{image}'],
    ['PUT', '/2025-09-09/microvm-images/{image}/versions/1.0'],
    ['DELETE', '/2025-09-09/microvm-images'],
    ['POST', '/2025-09-09/managed-microvm-images'],
    ['PUT', '/2025-09-09/microvms'],
    ['GET', '/2025-09-09/microvms/{microvm}/suspend'],
    ['POST', '/2025-09-09/microvms/{microvm}/terminate'],
    ['PUT', '/2017-03-31/tags/{image}'],
    ['GET', '/2025-09-09/microvms/'],
    ['GET', '/2025-09-09/microvm-images//versions'],
    ['GET', '/2025-09-09/microvm-images/%E0%A4%A'],
    ['GET', '/2025-09-09'],
    ['GET', '/2025-09-08/microvms'],
    ['HEAD', '/2025-09-09/microvms'],
  ])('is an HTML 404 for %s %s, which no operation has', async (method, path) => {
    const answer = await cloud.raw(method, fill(path));
    expect(answer).toMatchObject({ status: 404, headers: { 'content-type': 'text/html' } });
    expect(answer.headers['x-amzn-errortype']).toBeUndefined();
    if (method !== 'HEAD') expect(answer.body).toContain('<h1>404 Not Found</h1>');
  });

  test.each(EVERY_OPERATION.filter(({ path }) => path.includes('{microvm}')))('of $operation is an HTML 502 for an id that is none', async (request) => {
    for (const id of ['mvm-1', microvm.slice('microvm-'.length), `${microvm}0`, microvm.toUpperCase(), encodeURIComponent(IMAGE)]) {
      const answer = await sendTo(request.path.replace('{microvm}', id), request);
      expect(answer).toMatchObject({ status: 502, headers: { 'content-type': 'text/html' } });
      expect(answer.body).toContain('<h1>502 Bad Gateway</h1>');
    }
  });

  const withBody = EVERY_OPERATION.filter(({ body }) => body);

  test.each(withBody)('of $operation is one of the parser for a body that is no JSON object', async ({ method, path }) => {
    for (const [body, message] of [
      ['{', 'The request body is not valid JSON'],
      ['{"name": }', 'The request body is not valid JSON'],
      ['null', 'The request body is not a JSON object'],
      ['[]', 'The request body is not a JSON object'],
      ['"text"', 'The request body is not a JSON object'],
      ['7', 'The request body is not a JSON object'],
    ]) {
      expect(read(await cloud.raw(method, fill(path), body))).toEqual({ status: 400, type: 'SerializationException', body: { message } });
    }
  });

  test.each(withBody)('of $operation names what is missing for an empty body', async ({ operation, method, path }) => {
    const tags = operation === 'TagResource';
    for (const body of ['', '{}']) {
      const answer = read(await cloud.raw(method, fill(path), body));
      expect(answer).toMatchObject({ status: 400, type: tags ? 'InvalidParameterValueException' : 'ValidationException' });
      expect(answer.body.message).toMatch(/^[1-4] validation errors? detected: Value null at '\w+' failed to satisfy constraint: /);
      expect(answer.body.message).toMatch(/: Member must not be null$/);
      expect(Object.keys(answer.body)).toEqual(tags ? ['message', 'Type'] : ['message']);
    }
  });

  const nope = IMAGE.replace(/kept$/, 'nope');
  const foreign = nope.replace(ACCOUNT, '111111111111');
  const notFound = (message: string) => ({ message, resourceId: null, resourceType: null });
  const forbidden = { message: expect.any(String) };
  test.each([
    [`/2025-09-09/microvm-images/${nope}`, 404, 'ResourceNotFoundException',
      notFound(`MicroVMImage not found for MicroVMImageID: ${nope}`)],
    [`/2025-09-09/microvm-images/${nope}/versions/1.0`, 404, 'ResourceNotFoundException',
      notFound(`MicroVMImage not found for MicroVMImage: ${nope}, Version: 1.0`)],
    [`/2017-03-31/tags/${nope}`, 404, 'ResourceNotFoundException', notFound(`MicroVMImage not found for MicroVMImageID: ${nope}`)],
    [`/2025-09-09/microvms/${UNKNOWN}`, 404, 'ResourceNotFoundException', notFound(`MicroVM not found: ${UNKNOWN}`)],
    ['/2025-09-09/microvm-images/nope', 400, 'ValidationException', { message: 'Invalid ARN format: nope' }],
    [`/2025-09-09/microvm-images/${foreign}`, 403, 'AccessDeniedException', forbidden],
    [`/2017-03-31/tags/${foreign}`, 403, 'AccessDeniedException', forbidden],
    [`/2017-03-31/tags/${encodeURIComponent(nope.replace(':nope', '/nope'))}`, 403, 'AccessDeniedException', forbidden],
    ['/2025-09-09/microvms?nextToken=x', 400, 'ValidationException', { message: null }],
  ])('of GET %s holds every member of its type: %d %s', async (path, status, type, body) => {
    const answer = await cloud.raw('GET', path);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(read(answer)).toEqual({ status, type, body });
  });
});
