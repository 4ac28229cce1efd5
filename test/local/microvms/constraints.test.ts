import { ACCOUNT, MicrovmCloud, REGION } from './microvm-cloud';

const IMAGE = `arn:aws:lambda:${REGION}:${ACCOUNT}:microvm-image:none`;
const ID = 'microvm-00000000-0000-0000-0000-000000000000';
const ROLE = 'arn:aws:iam::000000000000:role/';
const JSON_HEADERS = { 'content-type': 'application/json' };

let cloud: MicrovmCloud;
beforeAll(async () => {
  cloud = await new MicrovmCloud('processes').open();
});
afterAll(() => cloud.close());

const chars = (count: number): string => 'x'.repeat(count);
const list = (count: number, item: unknown): unknown[] => Array.from({ length: count }, () => item);
const entries = (count: number): Record<string, string> => Object.fromEntries(list(count, 0).map((_, index) => [`K${index}`, '']));
const atMost = (max: number): string => `Member must have length less than or equal to ${max}`;
const atLeast = (min: number): string => `Member must have length greater than or equal to ${min}`;
const valueAtMost = (max: number): string => `Member must have value less than or equal to ${max}`;
const valueAtLeast = (min: number): string => `Member must have value greater than or equal to ${min}`;
const matching = (pattern: string): string => `Member must satisfy regular expression pattern: ${pattern}`;
const oneOf = (values: string): string => `Member must satisfy enum value set: [${values}]`;
const BLANK = matching('[^\\s]+');
const ROLE_PATTERN = matching('arn:aws[a-z\\-]*:iam::[0-9]{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+');
const UNION = 'Member must have exactly one of its members set';

interface Answer {
  readonly status: number;
  readonly type: unknown;
  readonly message: string;
}

async function send(method: string, path: string, body?: object): Promise<Answer> {
  const { status, headers, body: text } = await cloud.raw(method, path, body ? JSON.stringify(body) : '', JSON_HEADERS);
  return { status, type: headers['x-amzn-errortype'], message: String((JSON.parse(text) as { message: unknown }).message) };
}

/** Every request here breaks one constraint of another member, too: what is told besides shows whether the member passed. */
const OPERATIONS = {
  create: {
    always: 'Value null at \'name\'',
    send: (more: object) => send('POST', '/2025-09-09/microvm-images', {
      baseImageArn: 'x', buildRoleArn: `${ROLE}x`, codeArtifact: { uri: 'x' }, ...more,
    }),
  },
  run: { always: 'Value null at \'imageIdentifier\'', send: (more: object) => send('POST', '/2025-09-09/microvms', more) },
  token: {
    always: 'Value null at \'expirationInMinutes\'',
    send: (more: object) => send('POST', `/2025-09-09/microvms/${ID}/auth-token`, {
      allowedPorts: [{ port: 1 }], ...more,
    }),
  },
} as const;

type Operation = keyof typeof OPERATIONS;
type Case = readonly [operation: Operation, fits: object, breaks: object, path: string, constraint: string];

const nonBlank = (operation: Operation, path: string, wrap: (value: string) => object): Case[] => [
  [operation, wrap(chars(2048)), wrap(chars(2049)), path, atMost(2048)],
  [operation, wrap('x'), wrap(''), path, atLeast(1)],
  [operation, wrap('a-b'), wrap('a b'), path, BLANK],
];

const role = (operation: Operation, name: string): Case[] => [
  [operation, { [name]: ROLE.padEnd(2048, 'x') }, { [name]: ROLE.padEnd(2049, 'x') }, name, atMost(2048)],
  [operation, { [name]: `${ROLE}x` }, { [name]: 'arn:aws:iam::0:role' }, name, atLeast(20)],
  [operation, { [name]: `${ROLE}a/b@c.d,e=f+g-h_i` }, { [name]: 'arn:aws:iam::123:role/abcdef' }, name, ROLE_PATTERN],
  [operation, { [name]: 'arn:aws-us-gov:iam::000000000000:role/x' }, { [name]: `${ROLE}a b` }, name, ROLE_PATTERN],
];

const logging = (operation: Operation): Case[] => {
  const cloudWatch = (member: object): object => ({ logging: { cloudWatch: member } });
  const group = (logGroup: string): object => cloudWatch({ logGroup });
  const stream = (logStream: string): object => cloudWatch({ logStream });
  return [
    [operation, { logging: { disabled: {} } }, { logging: {} }, 'logging', UNION],
    [operation, cloudWatch({}), { logging: { disabled: {}, cloudWatch: {} } }, 'logging', UNION],
    [operation, group(chars(512)), group(chars(513)), 'logging.cloudWatch.logGroup', atMost(512)],
    [operation, group('x'), group(''), 'logging.cloudWatch.logGroup', atLeast(1)],
    [operation, group('/aws/a_b-c.d#e'), group('a b'), 'logging.cloudWatch.logGroup', matching('[a-zA-Z0-9_\\-/.#]+')],
    [operation, stream(chars(512)), stream(chars(513)), 'logging.cloudWatch.logStream', atMost(512)],
    [operation, stream('x'), stream(''), 'logging.cloudWatch.logStream', atLeast(1)],
    [operation, stream('2026/01/01[1.0] x'), stream('a:b'), 'logging.cloudWatch.logStream', matching('[^:*]*')],
    [operation, stream('x'), stream('a*b'), 'logging.cloudWatch.logStream', matching('[^:*]*')],
  ];
};

const hooks = (): Case[] => {
  const microvm = (member: object): object => ({ hooks: { microvmHooks: member } });
  const image = (member: object): object => ({ hooks: { microvmImageHooks: member } });
  const runtime = ['run', 'resume', 'suspend', 'terminate']
    .map((name) => ({ name, wrap: microvm, group: 'microvmHooks', longest: 60 }));
  const build = ['ready', 'validate']
    .map((name) => ({ name, wrap: image, group: 'microvmImageHooks', longest: 3600 }));
  return [
    ['create', { hooks: { port: 65_535 } }, { hooks: { port: 65_536 } }, 'hooks.port', valueAtMost(65_535)],
    ['create', { hooks: { port: 1 } }, { hooks: { port: 0 } }, 'hooks.port', valueAtLeast(1)],
    ...[...runtime, ...build].flatMap(({ name, wrap, group, longest }): Case[] => [
      ['create', wrap({ [name]: 'ENABLED' }), wrap({ [name]: 'enabled' }), `hooks.${group}.${name}`, oneOf('ENABLED, DISABLED')],
      ['create', wrap({ [`${name}TimeoutInSeconds`]: longest }), wrap({ [`${name}TimeoutInSeconds`]: longest + 1 }),
        `hooks.${group}.${name}TimeoutInSeconds`, valueAtMost(longest)],
      ['create', wrap({ [`${name}TimeoutInSeconds`]: 1 }), wrap({ [`${name}TimeoutInSeconds`]: 0 }),
        `hooks.${group}.${name}TimeoutInSeconds`, valueAtLeast(1)],
    ]),
  ];
};

const TAG_PATTERN = '[\\p{L}\\p{N}\\s_.:/=+\\-@]*';
const TAG_KEYS = `Map keys must satisfy constraint: [${atMost(128)}, ${atLeast(1)}, ${matching(TAG_PATTERN)}, Member must not be null]`;
const TAG_VALUES = `Map value must satisfy constraint: [${atMost(256)}, ${atLeast(0)}, ${matching(TAG_PATTERN)}, Member must not be null]`;
const ENVIRONMENT_KEYS = `Map keys must satisfy constraint: [${atMost(256)}, ${atLeast(1)}, ${BLANK}, Member must not be null]`;
const ENVIRONMENT_VALUES = `Map value must satisfy constraint: [${atMost(4096)}, ${atLeast(0)}, Member must not be null]`;
const variables = (environmentVariables: object): object => ({ environmentVariables });
const tags = (members: object): object => ({ tags: members });
const CONNECTOR_ITEMS = `Member must satisfy constraint: [${atMost(2048)}, ${atLeast(1)}, Member must not be null]`;
const connectors = (name: string): Case[] => [
  ['run', { [name]: list(10, 'x') }, { [name]: list(11, 'x') }, name, atMost(10)],
  ['run', { [name]: [chars(2048)] }, { [name]: [chars(2049)] }, name, CONNECTOR_ITEMS],
  ['run', { [name]: ['x'] }, { [name]: [''] }, name, CONNECTOR_ITEMS],
  ['run', { [name]: [] }, { [name]: [null] }, name, CONNECTOR_ITEMS],
];
const idle = (member: object): object => (
  { idlePolicy: { maxIdleDurationSeconds: 60, suspendedDurationSeconds: 0, autoResumeEnabled: true, ...member } }
);
const ports = (...allowedPorts: unknown[]): object => ({ allowedPorts });
const range = (startPort: number | null, endPort: number | null): object => ports({ range: { startPort, endPort } });

const CASES: Case[] = [
  ...nonBlank('create', 'baseImageArn', (baseImageArn) => ({ baseImageArn })),
  ...nonBlank('create', 'codeArtifact.uri', (uri) => ({ codeArtifact: { uri } })),
  ['create', { codeArtifact: { uri: 'x' } }, { codeArtifact: {} }, 'codeArtifact.uri', 'Member must not be null'],
  ...nonBlank('create', 'baseImageVersion', (baseImageVersion) => ({ baseImageVersion })),
  ...nonBlank('run', 'imageVersion', (imageVersion) => ({ imageVersion })),
  ...role('create', 'buildRoleArn'),
  ...role('run', 'executionRoleArn'),
  ...logging('create'),
  ...logging('run'),
  ...hooks(),
  ['create', { clientToken: chars(128) }, { clientToken: chars(129) }, 'clientToken', atMost(128)],
  ['create', { clientToken: 'x' }, { clientToken: '' }, 'clientToken', atLeast(1)],
  ['run', { clientToken: chars(128) }, { clientToken: chars(129) }, 'clientToken', atMost(128)],
  ['run', { clientToken: 'x' }, { clientToken: '' }, 'clientToken', atLeast(1)],
  ['create', { egressNetworkConnectors: ['x'] }, { egressNetworkConnectors: ['x', 'x'] }, 'egressNetworkConnectors', atMost(1)],
  ['create', { egressNetworkConnectors: ['x'] }, { egressNetworkConnectors: [''] }, 'egressNetworkConnectors', CONNECTOR_ITEMS],
  ...connectors('ingressNetworkConnectors'),
  ...connectors('egressNetworkConnectors'),
  ['create', { cpuConfigurations: [{ architecture: 'ARM_64' }] }, { cpuConfigurations: [{ architecture: 'X86_64' }] },
    'cpuConfigurations.1.member.architecture', oneOf('ARM_64')],
  ['create', { cpuConfigurations: [] }, { cpuConfigurations: [{}] }, 'cpuConfigurations.1.member.architecture', 'Member must not be null'],
  ['create', { cpuConfigurations: [] }, { cpuConfigurations: [null] }, 'cpuConfigurations.1.member', 'Member must not be null'],
  ['create', { resources: [{ minimumMemoryInMiB: 512 }] }, { resources: list(2, { minimumMemoryInMiB: 512 }) }, 'resources', atMost(1)],
  ['create', { resources: [] }, { resources: [{}] }, 'resources.1.member.minimumMemoryInMiB', 'Member must not be null'],
  ['create', { additionalOsCapabilities: ['ALL'] }, { additionalOsCapabilities: ['SYS_ADMIN'] }, 'additionalOsCapabilities',
    `Member must satisfy constraint: [${oneOf('ALL')}, Member must not be null]`],
  ['create', variables(entries(50)), variables(entries(51)), 'environmentVariables', atMost(50)],
  ['create', variables({ [chars(256)]: '' }), variables({ [chars(257)]: '' }), 'environmentVariables', ENVIRONMENT_KEYS],
  ['create', variables({ K: '' }), variables({ '': '' }), 'environmentVariables', ENVIRONMENT_KEYS],
  ['create', variables({ 'a-b': '' }), variables({ 'a b': '' }), 'environmentVariables', ENVIRONMENT_KEYS],
  ['create', variables({ K: chars(4096) }), variables({ K: chars(4097) }), 'environmentVariables', ENVIRONMENT_VALUES],
  ['create', variables({ K: 'a b' }), variables({ K: null }), 'environmentVariables', ENVIRONMENT_VALUES],
  ['create', tags({ [chars(128)]: '' }), tags({ [chars(129)]: '' }), 'tags', TAG_KEYS],
  ['create', tags({ K: '' }), tags({ '': '' }), 'tags', TAG_KEYS],
  ['create', tags({ 'Ä 1_.:/=+-@': '' }), tags({ 'a!b': '' }), 'tags', TAG_KEYS],
  ['create', tags({ K: chars(256) }), tags({ K: chars(257) }), 'tags', TAG_VALUES],
  ['create', tags({ K: 'Ä 1_.:/=+-@' }), tags({ K: 'a*b' }), 'tags', TAG_VALUES],
  ['run', { runHookPayload: chars(4096) }, { runHookPayload: chars(4097) }, 'runHookPayload', atMost(4096)],
  ['run', { maximumDurationInSeconds: 28_800 }, { maximumDurationInSeconds: 28_801 }, 'maximumDurationInSeconds', valueAtMost(28_800)],
  ['run', { maximumDurationInSeconds: 1 }, { maximumDurationInSeconds: 0 }, 'maximumDurationInSeconds', valueAtLeast(1)],
  ['run', idle({}), idle({ maxIdleDurationSeconds: 59 }), 'idlePolicy.maxIdleDurationSeconds', valueAtLeast(60)],
  ['run', idle({}), idle({ suspendedDurationSeconds: -1 }), 'idlePolicy.suspendedDurationSeconds', valueAtLeast(0)],
  ...['maxIdleDurationSeconds', 'suspendedDurationSeconds', 'autoResumeEnabled'].map((name): Case => (
    ['run', idle({}), idle({ [name]: null }), `idlePolicy.${name}`, 'Member must not be null']
  )),
  ['token', ports({ port: 1 }), ports(), 'allowedPorts', atLeast(1)],
  ['token', ports({ port: 65_535 }), ports({ port: 65_536 }), 'allowedPorts.1.member.port', valueAtMost(65_535)],
  ['token', ports({ port: 1 }), ports({ port: 0 }), 'allowedPorts.1.member.port', valueAtLeast(1)],
  ['token', range(1, 65_535), range(0, 1), 'allowedPorts.1.member.range.startPort', valueAtLeast(1)],
  ['token', range(1, 65_535), range(1, 65_536), 'allowedPorts.1.member.range.endPort', valueAtMost(65_535)],
  ['token', range(1, 1), range(1, null), 'allowedPorts.1.member.range.endPort', 'Member must not be null'],
  ['token', range(1, 1), range(null, 1), 'allowedPorts.1.member.range.startPort', 'Member must not be null'],
  ['token', ports({ allPorts: {} }), ports({}), 'allowedPorts.1.member', UNION],
  ['token', ports({ allPorts: {} }, { port: 2 }), ports({ port: 1 }, { port: 1, allPorts: {} }), 'allowedPorts.2.member', UNION],
];

test.each(CASES)('%s takes %j and fails on %j', async (operation, fits, breaks, path, constraint) => {
  const { always, send: request } = OPERATIONS[operation];
  const good = await request(fits);
  expect(good).toMatchObject({ status: 400, type: 'ValidationException', message: expect.stringMatching(/^1 validation error detected: /) });
  expect(good.message).toContain(always);
  const bad = await request(breaks);
  expect(bad).toMatchObject({ status: 400, type: 'ValidationException' });
  expect(bad.message).toMatch(/^[2-9] validation errors detected: /);
  expect(bad.message).toContain(always);
  expect(bad.message.slice(bad.message.indexOf(`at '${path}'`))).toContain(`at '${path}' failed to satisfy constraint: ${constraint}`);
});

test.each([
  ['name', { name: chars(64) }, { name: chars(65) }, atMost(64)],
  ['name', { name: 'aZ0-_' }, { name: '' }, `${atLeast(1)}; Value '' at 'name' failed to satisfy constraint: ${matching('[a-zA-Z0-9-_]+')}`],
  ['name', { name: 'x' }, { name: 'bad name!' }, matching('[a-zA-Z0-9-_]+')],
])('%s takes %j and fails on %j', async (path, fits, breaks, constraint) => {
  const request = (more: object) => send('POST', '/2025-09-09/microvm-images', {
    baseImageArn: 'x', buildRoleArn: `${ROLE}x`, codeArtifact: { uri: 'x' }, ...more,
  });
  expect((await request(fits)).message).toBe('CodeArtifact URI must be a valid S3 URI in the format: s3://<bucket>/<key>');
  expect((await request(breaks)).message).toContain(`Value '${breaks.name}' at '${path}' failed to satisfy constraint: ${constraint}`);
});

test.each([
  ['GET', `/2025-09-09/microvm-images/${chars(257)}`, 'imageIdentifier', atMost(256)],
  ['DELETE', `/2025-09-09/microvm-images/${chars(257)}`, 'imageIdentifier', atMost(256)],
  ['PUT', `/2025-09-09/microvm-images/${chars(257)}`, 'imageIdentifier', atMost(256)],
  ['GET', `/2025-09-09/microvm-images/${chars(257)}/versions`, 'imageIdentifier', atMost(256)],
  ['GET', `/2025-09-09/managed-microvm-images/${chars(257)}/versions`, 'imageIdentifier', atMost(256)],
  ['PATCH', `/2025-09-09/microvm-images/${chars(257)}/versions/1.0`, 'imageIdentifier', atMost(256)],
  ['GET', `/2025-09-09/microvm-images/${IMAGE}/versions/1%200`, 'imageVersion', BLANK],
  ['GET', `/2025-09-09/microvm-images/${IMAGE}/versions/${chars(2049)}`, 'imageVersion', atMost(2048)],
  ['PATCH', `/2025-09-09/microvm-images/${IMAGE}/versions/1%200`, 'imageVersion', BLANK],
  ['DELETE', `/2025-09-09/microvm-images/${IMAGE}/versions/1%200`, 'imageVersion', BLANK],
  ['GET', `/2025-09-09/microvm-images/${IMAGE}/versions/1.0/builds/a%20b`, 'buildId', BLANK],
  ['GET', `/2025-09-09/microvm-images/${IMAGE}/versions/1.0/builds?architecture=X86_64`, 'architecture', oneOf('ARM_64')],
  ['GET', `/2025-09-09/microvm-images/${IMAGE}/versions/1.0/builds?chipset=INTEL`, 'chipset', oneOf('GRAVITON')],
  ['GET', `/2025-09-09/microvm-images/${IMAGE}/versions/1.0/builds?chipsetGeneration=`, 'chipsetGeneration', atLeast(1)],
  ['GET', '/2025-09-09/microvm-images?nameFilter=a%20b', 'nameFilter', BLANK],
  ['GET', `/2025-09-09/microvm-images?nameFilter=${chars(2049)}`, 'nameFilter', atMost(2048)],
  ['GET', `/2025-09-09/microvms?imageIdentifier=${chars(257)}`, 'imageIdentifier', atMost(256)],
  ['GET', '/2025-09-09/microvms?imageVersion=a%20b', 'imageVersion', BLANK],
])('%s %s fails on %s', async (method, path, member, constraint) => {
  const { status, type, message } = await send(method, path);
  expect({ status, type }).toEqual({ status: 400, type: 'ValidationException' });
  expect(message).toContain(`at '${member}' failed to satisfy constraint: ${constraint}`);
});

test('UpdateMicrovmImage checks each member as CreateMicrovmImage does, but for tags, which it has not', async () => {
  for (const [operation, , breaks, path, constraint] of CASES) {
    if (operation !== 'create' || path === 'tags') continue;
    const { status, message } = await send('PUT', `/2025-09-09/microvm-images/${IMAGE}`, {
      baseImageArn: 'x', buildRoleArn: `${ROLE}x`, codeArtifact: { uri: 'x' }, ...breaks,
    });
    const expected = expect.stringContaining(`at '${path}' failed to satisfy constraint: ${constraint}`);
    expect({ path, status, message }).toEqual({ path, status: 400, message: expected });
  }
});

test.each([['', atLeast(1)], [chars(257), atMost(256)]])('imageIdentifier of RunMicrovm fails on %p', async (imageIdentifier, constraint) => {
  expect(await send('POST', '/2025-09-09/microvms', { imageIdentifier })).toEqual({
    status: 400,
    type: 'ValidationException',
    message: `1 validation error detected: Value '${imageIdentifier}' at 'imageIdentifier' failed to satisfy constraint: ${constraint}`,
  });
});

test.each(['auth-token', 'shell-auth-token'])('expirationInMinutes of %s is a whole number from 1', async (kind) => {
  const request = (expirationInMinutes: unknown) => (
    send('POST', `/2025-09-09/microvms/${ID}/${kind}`, { expirationInMinutes, allowedPorts: [{ port: 1 }] })
  );
  const breach = (value: string, constraint: string) => ({
    status: 400,
    type: 'ValidationException',
    message: `1 validation error detected: Value ${value} at 'expirationInMinutes' failed to satisfy constraint: ${constraint}`,
  });
  expect(await request(null)).toEqual(breach('null', 'Member must not be null'));
  expect(await request(0)).toEqual(breach('\'0\'', valueAtLeast(1)));
  expect(await request(-1)).toEqual(breach('\'-1\'', valueAtLeast(1)));
  expect(await request(1)).toMatchObject({ status: 404, message: `MicroVM not found: ${ID}` });
  for (const [value, token] of [['1', 'STRING_VALUE'], [1.5, 'NUMBER_VALUE'], [true, 'TRUE_VALUE']]) {
    expect(await request(value)).toMatchObject({ type: 'SerializationException', message: `${token} can not be converted to an Integer` });
  }
});

describe.each([
  '/2025-09-09/microvm-images',
  '/2025-09-09/managed-microvm-images',
  `/2025-09-09/managed-microvm-images/arn:aws:lambda:${REGION}:aws:microvm-image:al2023-1/versions`,
  '/2025-09-09/microvms',
])('maxResults of %s', (path) => {
  test.each([1, 50])('takes %p', async (maxResults) => {
    expect((await cloud.raw('GET', `${path}?maxResults=${maxResults}`)).status).toBe(200);
  });
  test.each([[0, valueAtLeast(1)], [-1, valueAtLeast(1)], [51, valueAtMost(50)]])('fails on %p', async (maxResults, constraint) => {
    const { status, message } = await send('GET', `${path}?maxResults=${maxResults}`);
    expect(status).toBe(400);
    expect(message).toBe(`1 validation error detected: Value '${maxResults}' at 'maxResults' failed to satisfy constraint: ${constraint}`);
  });
  test.each(['ten', '', '1.5', '99999999999', '1e1'])('fails on %p, which is no integer', async (maxResults) => {
    expect(await send('GET', `${path}?maxResults=${maxResults}`)).toEqual({
      status: 400, type: 'SerializationException', message: 'STRING_VALUE can not be converted to an Integer',
    });
  });
});

test.each([
  ['create', { name: 5 }, 'NUMBER_VALUE can not be converted to a String'],
  ['create', { name: true }, 'TRUE_VALUE can not be converted to a String'],
  ['create', { name: {} }, 'Start of structure or map found where not expected.'],
  ['create', { name: [] }, 'Start of list found where not expected.'],
  ['create', { codeArtifact: 's3://a/b' }, 'Expected null'],
  ['create', { logging: [] }, 'Expected null'],
  ['create', { environmentVariables: [] }, 'Expected map or null'],
  ['create', { environmentVariables: { K: 1 } }, 'NUMBER_VALUE can not be converted to a String'],
  ['create', { resources: {} }, 'Expected list or null'],
  ['create', { resources: [{ minimumMemoryInMiB: '2048' }] }, 'STRING_VALUE can not be converted to an Integer'],
  ['run', { maximumDurationInSeconds: 1.5 }, 'NUMBER_VALUE can not be converted to an Integer'],
  ['run', { maximumDurationInSeconds: 1e300 }, 'NUMBER_VALUE can not be converted to an Integer'],
  ['run', idle({ autoResumeEnabled: 'true' }), 'STRING_VALUE can not be converted to a Boolean'],
  ['token', ports({ allPorts: true }), 'Expected null'],
] as const)('%s fails in the parser on %j', async (operation, member, message) => {
  expect(await OPERATIONS[operation].send(member)).toEqual({ status: 400, type: 'SerializationException', message });
});

test('secret values are in no message', async () => {
  const { message } = await OPERATIONS.create.send({ environmentVariables: { ...entries(51), SECRET: 'hunter2' } });
  expect(message).toContain('Value at \'environmentVariables\'');
  expect(message).not.toContain('hunter2');
  expect((await OPERATIONS.run.send({ runHookPayload: `hunter2${chars(4096)}` })).message).not.toContain('hunter2');
});

test('every breach is told at once, in the order of the model', async () => {
  expect((await send('POST', '/2025-09-09/microvm-images', { name: 'x' })).message).toBe('3 validation errors detected: '
    + ['baseImageArn', 'codeArtifact', 'buildRoleArn'].map((name) => (
      `Value null at '${name}' failed to satisfy constraint: Member must not be null`
    )).join('; '));
});

test.each([
  [{}, 'Value null at \'Tags\' failed to satisfy constraint: Member must not be null'],
  [{ Tags: { [chars(129)]: '' } }, TAG_KEYS],
  [{ Tags: { 'a!': '' } }, TAG_KEYS],
  [{ Tags: { K: chars(257) } }, TAG_VALUES],
])('TagResource fails on %j', async (body, constraint) => {
  const path = `/2017-03-31/tags/${encodeURIComponent(IMAGE)}`;
  const answer = await cloud.raw('POST', path, JSON.stringify(body), JSON_HEADERS);
  expect(answer).toMatchObject({ status: 400, headers: { 'x-amzn-errortype': 'InvalidParameterValueException' } });
  expect(JSON.parse(answer.body)).toEqual({ message: expect.stringContaining(constraint), Type: null });
});

test.each([
  ['', 'Value null at \'TagKeys\' failed to satisfy constraint: Member must not be null'],
  ['?tagKeys=', 'Member must satisfy constraint'],
  [`?tagKeys=a&tagKeys=${chars(129)}`, atMost(128)],
])('UntagResource fails on the query %p', async (query, constraint) => {
  const answer = await cloud.raw('DELETE', `/2017-03-31/tags/${encodeURIComponent(IMAGE)}${query}`);
  expect(answer).toMatchObject({ status: 400, headers: { 'x-amzn-errortype': 'InvalidParameterValueException' } });
  expect((JSON.parse(answer.body) as { message: string }).message).toContain(constraint);
});

test('nothing came to be', () => {
  expect(cloud.service.list()).toEqual({ images: [], microvms: [] });
});
