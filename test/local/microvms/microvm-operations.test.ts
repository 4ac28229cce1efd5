import {
  CreateMicrovmAuthTokenCommand, CreateMicrovmShellAuthTokenCommand, DeleteMicrovmImageCommand, ListMicrovmsCommand,
  ResumeMicrovmCommand, RunMicrovmCommand, type RunMicrovmRequest, SuspendMicrovmCommand, TerminateMicrovmCommand,
} from '@aws-sdk/client-lambda-microvms';
import { COUNTER, guest } from './guests';
import { ACCOUNT, MicrovmCloud, REGION } from './microvm-cloud';
import type { RoleAssumer } from '../../../local/src/role-session';

const SLEEPER = { Dockerfile: 'FROM scratch\nCMD ["sleep", "600"]\n' };
const UNKNOWN = 'microvm-00000000-0000-0000-0000-000000000000';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/execution`;
const connector = (name: string): string => `arn:aws:lambda:${REGION}:aws:network-connector:aws-network-connector:${name}`;

/** Assumes `ROLE` alone, and allows the actions that are not listed here. */
const denied: string[] = [];
const asked: [string, string][] = [];
const credentials = { accessKeyId: 'A', secretAccessKey: 'S', sessionToken: 'T', expiresAt: 0 };
const roles: RoleAssumer = {
  assume: async (roleArn) => {
    if (!roleArn.endsWith('role/execution') && !roleArn.includes('build-role')) return undefined;
    return {
      credentials: () => credentials,
      allows: async (action, resource) => {
        asked.push([action, resource]);
        return !denied.includes(action);
      },
    };
  },
};

let cloud: MicrovmCloud;
let image: string;
beforeAll(async () => {
  cloud = await new MicrovmCloud('processes', undefined, { timeScale: 0, roles }).open();
  image = await cloud.createImage('plain', SLEEPER);
});
afterAll(() => cloud.close());

const send = {
  run: (more: Partial<RunMicrovmRequest> = {}) => (
    cloud.client.send(new RunMicrovmCommand({ imageIdentifier: image, ...more }))
  ),
  suspend: (microvmIdentifier: string) => cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier })),
  resume: (microvmIdentifier: string) => cloud.client.send(new ResumeMicrovmCommand({ microvmIdentifier })),
  terminate: (microvmIdentifier: string) => cloud.client.send(new TerminateMicrovmCommand({ microvmIdentifier })),
  token: (microvmIdentifier: string) => cloud.client.send(new CreateMicrovmAuthTokenCommand({
    microvmIdentifier,
    expirationInMinutes: 60,
    allowedPorts: [{ port: 8080 }, { range: { startPort: 9000, endPort: 9001 } }],
  })),
  shellToken: (microvmIdentifier: string, expirationInMinutes = 60) => (
    cloud.client.send(new CreateMicrovmShellAuthTokenCommand({ microvmIdentifier, expirationInMinutes }))
  ),
};

async function suspended(): Promise<string> {
  const { id } = await cloud.run(image);
  await send.suspend(id);
  await cloud.untilState(id, 'SUSPENDED');
  return id;
}

describe('RunMicrovm', () => {
  test('answers every member with its defaults', async () => {
    const { status, body } = await cloud.raw('POST', '/2025-09-09/microvms', JSON.stringify({ imageIdentifier: image }));
    const answer = JSON.parse(body) as Record<string, unknown>;
    expect(status).toBe(200);
    expect(answer).toEqual({
      microvmId: expect.stringMatching(/^microvm-[0-9a-f-]{36}$/),
      endpoint: expect.stringMatching(new RegExp(`^[0-9a-f-]{36}\\.lambda-microvm\\.${REGION}\\.on\\.aws$`)),
      imageArn: image,
      imageVersion: '1.0',
      state: 'PENDING',
      startedAt: expect.any(Number),
      maximumDurationInSeconds: 28_800,
      ingressNetworkConnectors: [connector('HTTP_INGRESS')],
      egressNetworkConnectors: [connector('INTERNET_EGRESS')],
      executionRoleArn: null,
      idlePolicy: null,
      stateReason: null,
      terminatedAt: null,
      terminationReasonCode: null,
    });
    expect(String(answer.endpoint)).not.toContain(String(answer.microvmId).slice('microvm-'.length));
    const id = String(answer.microvmId);
    await cloud.untilState(id, 'RUNNING');
    const got = JSON.parse((await cloud.raw('GET', `/2025-09-09/microvms/${id}`)).body) as object;
    expect(got).toEqual({ ...answer, state: 'RUNNING' });
    await cloud.terminate(id);
  });

  test('echoes what it was given and takes an empty list of connectors for a left-out one', async () => {
    const idlePolicy = { maxIdleDurationSeconds: 60, suspendedDurationSeconds: 0, autoResumeEnabled: false };
    const answer = await send.run({
      idlePolicy,
      maximumDurationInSeconds: 600,
      executionRoleArn: ROLE,
      egressNetworkConnectors: [],
      ingressNetworkConnectors: [connector('NO_INGRESS')],
      logging: { cloudWatch: { logGroup: 'g' } },
    });
    expect(answer).toMatchObject({
      idlePolicy,
      maximumDurationInSeconds: 600,
      executionRoleArn: ROLE,
      egressNetworkConnectors: [connector('INTERNET_EGRESS')],
      ingressNetworkConnectors: [connector('NO_INGRESS')],
    });
    await cloud.terminate(answer.microvmId ?? '');
  });

  test.each([
    ['plain', 'Malformed ARN - doesn\'t start with \'arn:\''],
    ['arn:', 'Malformed ARN - no AWS partition specified'],
    ['arn:aws', 'Malformed ARN - no AWS partition specified'],
    ['arn:aws:lambda', 'Malformed ARN - no service specified'],
  ])('fails on the identifier %p', async (imageIdentifier, message) => {
    await expect(send.run({ imageIdentifier })).rejects.toMatchObject({ name: 'ValidationException', message });
  });

  test('fails on an ARN in slash form, and on another account\'s', async () => {
    for (const arn of [image.replace(':microvm-image:', ':microvm-image/'), image.replace(ACCOUNT, '111111111111')]) {
      await expect(send.run({ imageIdentifier: arn })).rejects.toMatchObject({ name: 'AccessDeniedException', $metadata: { httpStatusCode: 403 } });
    }
  });

  test('fails with a role that the service cannot assume, and starts nothing', async () => {
    const before = cloud.service.list().microvms.length;
    const executionRoleArn = `arn:aws:iam::${ACCOUNT}:role/another`;
    await expect(send.run({ executionRoleArn, clientToken: 'untrusted' })).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining(`Unable to assume the execution role ${executionRoleArn}`),
    });
    expect(cloud.service.list().microvms).toHaveLength(before);
    // The token is free for the request that works.
    await cloud.terminate((await send.run({ executionRoleArn: ROLE, clientToken: 'untrusted' })).microvmId ?? '');
  });

  test('of the same client token starts one microVM, also when calls race', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => send.run({ clientToken: 'race', executionRoleArn: ROLE })));
    expect(new Set(answers.map(({ microvmId }) => microvmId)).size).toBe(1);
    const id = answers[0].microvmId ?? '';
    await cloud.untilState(id, 'RUNNING');
    await expect(send.run({ clientToken: 'race' })).rejects.toMatchObject({ name: 'ConflictException', $metadata: { httpStatusCode: 409 } });
    await send.suspend(id);
    await cloud.untilState(id, 'SUSPENDED');
    expect(await send.run({ clientToken: 'race', executionRoleArn: ROLE })).toMatchObject({ microvmId: id });
    await cloud.untilState(id, 'RUNNING');
    await cloud.terminate(id);
    expect(await send.run({ clientToken: 'race', executionRoleArn: ROLE })).toMatchObject({ microvmId: id, state: 'TERMINATED' });
  });

  test('fails on an image in the middle of an update', async () => {
    const busy = await cloud.createImage('busy', SLEEPER);
    const uri = await cloud.putArtifact('busy.zip', SLEEPER);
    const update = await cloud.raw('PUT', `/2025-09-09/microvm-images/${busy}`, JSON.stringify({
      baseImageArn: `arn:aws:lambda:${REGION}:aws:microvm-image:al2023-1`, buildRoleArn: ROLE, codeArtifact: { uri },
    }));
    expect(update.status).toBe(200);
    for (const imageVersion of [undefined, '1.0']) {
      await expect(send.run({ imageIdentifier: busy, imageVersion })).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    }
    await cloud.until('the update', async () => (await cloud.imageState(busy)) === 'UPDATED');
    await cloud.terminate((await send.run({ imageIdentifier: busy, imageVersion: '1.0' })).microvmId ?? '');
  });
});

describe('GetMicrovm', () => {
  test('fails for an unknown id with null members, and for a malformed one in the load balancer', async () => {
    const { status, headers, body } = await cloud.raw('GET', `/2025-09-09/microvms/${UNKNOWN}`);
    expect(status).toBe(404);
    expect(headers['x-amzn-errortype']).toBe('ResourceNotFoundException');
    expect(JSON.parse(body)).toEqual({ message: `MicroVM not found: ${UNKNOWN}`, resourceId: null, resourceType: null });
    for (const path of ['mvm-1', `${UNKNOWN}0`, encodeURIComponent(image)]) {
      expect(await cloud.raw('GET', `/2025-09-09/microvms/${path}`)).toMatchObject({
        status: 502, headers: { 'content-type': 'text/html' }, body: expect.stringContaining('<h1>502 Bad Gateway</h1>'),
      });
    }
  });

  test('tells of a TERMINATED microVM for a day', async () => {
    const { id } = await cloud.run(image);
    await cloud.terminate(id);
    await cloud.clock.advance({ hours: 23 });
    expect(await cloud.microvm(id)).toMatchObject({ state: 'TERMINATED', stateReason: 'Success.', terminatedAt: expect.any(Date) });
    await cloud.clock.advance({ hours: 1, minutes: 1 });
    await expect(cloud.microvm(id)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

describe('ListMicrovms', () => {
  test('filters by image and version before it cuts the page', async () => {
    const one = await cloud.createImage('one', SLEEPER);
    const ids = [];
    for (let index = 0; index < 3; index++) ids.push((await cloud.run(index === 1 ? image : one)).id);
    const list = (more: object) => cloud.client.send(new ListMicrovmsCommand(more));
    const first = await list({ imageIdentifier: one, maxResults: 1 });
    expect(first.items?.map(({ microvmId }) => microvmId)).toEqual([ids[0]]);
    const second = await list({ imageIdentifier: one, maxResults: 1, nextToken: first.nextToken });
    expect(second.items?.map(({ microvmId }) => microvmId)).toEqual([ids[2]]);
    expect(second.nextToken).toBeUndefined();
    expect((await list({ imageIdentifier: one, imageVersion: '2.0' })).items).toEqual([]);
    expect((await list({ imageIdentifier: one, imageVersion: '1.0' })).items).toHaveLength(2);
    const { items } = JSON.parse((await cloud.raw('GET', '/2025-09-09/microvms?maxResults=1')).body) as { items: object[] };
    expect(Object.keys(items[0]).sort()).toEqual(['imageArn', 'imageVersion', 'microvmId', 'startedAt', 'state']);
    await expect(list({ imageIdentifier: `${one}-unknown` })).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(list({ imageIdentifier: 'one' })).rejects.toThrow('Invalid ARN format: one');
    for (const id of ids) await cloud.terminate(id);
    expect((await list({ imageIdentifier: one })).items?.map(({ state }) => state)).toEqual(['TERMINATED', 'TERMINATED']);
    await cloud.client.send(new DeleteMicrovmImageCommand({ imageIdentifier: one }));
  });
});

describe('a transition', () => {
  test('answers {} and is harmless where there is nothing to do', async () => {
    const { id } = await cloud.run(image);
    for (const [method, path] of [['POST', '/resume'], ['POST', '/suspend'], ['POST', '/suspend'], ['POST', '/resume'], ['DELETE', ''], ['DELETE', '']]) {
      expect(await cloud.raw(method, `/2025-09-09/microvms/${id}${path}`)).toMatchObject({ status: 200, body: '{}' });
    }
    await cloud.untilState(id, 'TERMINATED');
    expect(await cloud.raw('DELETE', `/2025-09-09/microvms/${id}`)).toMatchObject({ status: 200, body: '{}' });
  });

  test('of a SUSPENDED microVM to SUSPENDED and of a RUNNING one to RUNNING leaves it as it is', async () => {
    const id = await suspended();
    await send.suspend(id);
    expect((await cloud.microvm(id)).state).toBe('SUSPENDED');
    await send.resume(id);
    await cloud.untilState(id, 'RUNNING');
    await send.resume(id);
    expect((await cloud.microvm(id)).state).toBe('RUNNING');
    await cloud.terminate(id);
  });

  test('fails on a TERMINATED microVM', async () => {
    const id = await suspended();
    await cloud.terminate(id);
    for (const operation of [send.suspend, send.resume, send.token, send.shellToken]) {
      await expect(operation(id)).rejects.toMatchObject({
        name: 'ValidationException',
        message: `The MicroVM ${id} has been terminated and its state cannot be changed.`,
        $metadata: { httpStatusCode: 400 },
      });
    }
  });

  test('fails on an unknown microVM', async () => {
    for (const operation of [send.suspend, send.resume, send.terminate, send.token, send.shellToken]) {
      await expect(operation(UNKNOWN)).rejects.toMatchObject({
        name: 'ResourceNotFoundException', message: `MicroVM not found: ${UNKNOWN}`, $metadata: { httpStatusCode: 404 },
      });
    }
  });
});

describe('tokens', () => {
  test('come in a map with one key, also while the microVM is SUSPENDED', async () => {
    const id = await suspended();
    const { authToken = {} } = await send.token(id);
    expect(Object.keys(authToken)).toEqual(['X-aws-proxy-auth']);
    expect(cloud.service.list().microvms.find(({ microvmId }) => microvmId === id)?.state).toBe('SUSPENDED');
    await cloud.terminate(id);
  });

  const mixed = 'ALL_INGRESS cannot be combined with other ingress network connectors; use HTTP_INGRESS and/or SHELL_INGRESS instead';
  const missing = 'Shell access requires SHELL_INGRESS network connector to be configured on the MicroVM.';
  test.each([
    [['HTTP_INGRESS', 'SHELL_INGRESS'], undefined],
    [['SHELL_INGRESS'], undefined],
    [['HTTP_INGRESS'], missing],
    [['NO_INGRESS'], missing],
    [['ALL_INGRESS'], missing],
    [['SHELL_INGRESS', 'ALL_INGRESS'], mixed],
    [['ALL_INGRESS', 'HTTP_INGRESS'], mixed],
  ])('for the shell with %p: %p', async (names, message) => {
    const { microvmId: id = '' } = await send.run({ ingressNetworkConnectors: names.map(connector) });
    if (message) await expect(send.shellToken(id)).rejects.toMatchObject({ name: 'ValidationException', message });
    else expect(Object.keys((await send.shellToken(id)).authToken ?? {})).toEqual(['X-aws-proxy-auth']);
    await expect(send.shellToken(id, 61)).rejects.toThrow('ExpirationMinutes 61 exceeded max allowed of 60.');
    await send.terminate(id);
  });
});

describe('an execution role', () => {
  const lines = (id: string) => cloud.logs.filter(({ stream }) => stream.includes(id)).map(({ message }) => message);

  test('writes the microVM\'s logs as far as it may', async () => {
    const counter = await cloud.createImage('logged', COUNTER);
    const { id } = await cloud.run(counter, { executionRoleArn: ROLE });
    await cloud.until('the output', () => lines(id).includes('counter is up'));
    const [{ group, stream }] = cloud.logs.filter((line) => line.stream.includes(id));
    const arn = `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${group}:log-stream:${stream}`;
    expect(asked).toContainEqual(['logs:PutLogEvents', arn]);
    expect(asked).toContainEqual(['logs:CreateLogStream', arn]);
    for (const action of ['logs:PutLogEvents', 'logs:CreateLogStream']) {
      denied.push(action);
      const { id: mute, endpoint } = await cloud.run(counter, { executionRoleArn: ROLE });
      const token = await cloud.token(mute);
      await cloud.until('an answer', async () => (await cloud.fetch(endpoint, '/', { token })).status === 200);
      expect(lines(mute)).toEqual([]);
      denied.pop();
      await cloud.terminate(mute);
    }
    await cloud.terminate(id);
  });
});

describe('the instance metadata of a microVM', () => {
  /** Answers what the metadata service lists and hands out. */
  const ASKER = guest(`
listen(8080, async (request, response) => {
  const base = process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT;
  const token = await (await fetch(base + '/latest/api/token', { method: 'PUT', headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '60' } })).text();
  const get = async (path) => {
    const url = base + '/latest/meta-data/iam/security-credentials/' + path;
    const answer = await fetch(url, { headers: { 'x-aws-ec2-metadata-token': token } });
    return answer.ok ? answer.text() : '';
  };
  response.end(JSON.stringify({ list: await get(''), key: JSON.parse(await get('execution_role') || '{}').AccessKeyId }));
});
`);

  test.each([[ROLE, { list: 'execution_role', key: credentials.accessKeyId }], [undefined, { list: '' }]])('with the role %p holds %j', async (
    executionRoleArn, expected,
  ) => {
    const asker = await cloud.createImage(executionRoleArn ? 'asker' : 'nobody', ASKER);
    const { id, endpoint } = await cloud.run(asker, { executionRoleArn });
    const token = await cloud.token(id);
    let body = '';
    await cloud.until('an answer', async () => {
      const answer = await cloud.fetch(endpoint, '/', { token });
      body = answer.body;
      return answer.status === 200;
    });
    expect(JSON.parse(body)).toEqual(expected);
    await cloud.terminate(id);
  });
});

test('imageOf names the image of a microVM and its tags', async () => {
  const tagged = await cloud.createImage('tagged', SLEEPER, { tags: { team: 'a' } });
  const { id } = await cloud.run(tagged);
  expect(cloud.service.imageOf(id)).toEqual({ imageArn: tagged, tags: { team: 'a' } });
  expect(cloud.service.imageOf(UNKNOWN)).toBeUndefined();
  expect(cloud.service.tagsOf(tagged)).toEqual({ team: 'a' });
  expect(cloud.service.tagsOf(`${tagged}x`)).toBeUndefined();
  await cloud.terminate(id);
});

test.each(['RUNNING', 'SUSPENDED'])('a %s microVM can be killed as if its main process had ended', async (state) => {
  const id = state === 'RUNNING' ? (await cloud.run(image)).id : await suspended();
  await cloud.service.kill(id, 3);
  await cloud.untilState(id, 'TERMINATED');
  expect(await cloud.microvm(id)).toMatchObject({ stateReason: 'Container Stopped with Exit Code: 3' });
  await expect(cloud.service.kill(UNKNOWN)).rejects.toThrow('MicroVM not found');
});

test('nothing was warned of', () => expect(cloud.warnings).toEqual([]));
