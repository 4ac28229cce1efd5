import {
  CreateMicrovmAuthTokenCommand, CreateMicrovmImageCommand, type CreateMicrovmImageRequest,
  CreateMicrovmShellAuthTokenCommand, DeleteMicrovmImageCommand, DeleteMicrovmImageVersionCommand,
  ListManagedMicrovmImageVersionsCommand, ListMicrovmImagesCommand,
  ResumeMicrovmCommand, RunMicrovmCommand, type RunMicrovmRequest, SuspendMicrovmCommand, TerminateMicrovmCommand,
  UpdateMicrovmImageCommand, UpdateMicrovmImageVersionCommand,
} from '@aws-sdk/client-lambda-microvms';
import { COUNTER } from './guests';
import { ACCOUNT, BASE_IMAGE, MicrovmCloud, REGION, ROLE } from './microvm-cloud';

const connector = (name: string) => `arn:aws:lambda:${REGION}:aws:network-connector:aws-network-connector:${name}`;
const SIZES = '[512, 1024, 2048, 4096, 8192]';

describe('requests that the service refuses', () => {
  let cloud: MicrovmCloud;
  let imageArn: string;
  let uri: string;
  beforeAll(async () => {
    cloud = await new MicrovmCloud('processes').open();
    imageArn = await cloud.createImage('plain', COUNTER);
    uri = 's3://artifacts/plain.zip';
  });
  afterAll(() => cloud.close());

  const create = (more: object) => cloud.client.send(new CreateMicrovmImageCommand({
    name: 'other', baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri }, ...more,
  } as CreateMicrovmImageRequest));
  const run = (more: object) => cloud.client.send(new RunMicrovmCommand({
    imageIdentifier: imageArn, ...more,
  } as RunMicrovmRequest));

  test.each([
    ['a taken name', { name: 'plain' }, 'A MicroVM image with the name \'plain\' already exists in this account'],
    ['a name of 65 characters', { name: 'x'.repeat(65) }, 'Member must have length less than or equal to 64'],
    ['an unknown memory size', { resources: [{ minimumMemoryInMiB: 256 }] },
      `The requested memory size of 256 MiB is not supported by base MicroVM image ${BASE_IMAGE}. Supported memory sizes in MiB are: ${SIZES}.`],
    ['a base version with a minor', { baseImageVersion: '1.0' },
      'Invalid baseMicroVMImageVersion: 1.0. Expected a single major version number (e.g., 1).'],
    ['an unknown base version', { baseImageVersion: '999' }, `No managed MicroVM Image with arn ${BASE_IMAGE} and version 999 is available`],
    ['an artifact outside of S3', { codeArtifact: { uri: 'https://x/y' } },
      'CodeArtifact URI must be a valid S3 URI in the format: s3://<bucket>/<key>'],
    ['an unknown managed connector', { egressNetworkConnectors: [connector('NO_EGRESS')] },
      `Unrecognized managed network connector ARN: ${connector('NO_EGRESS')}`],
    ['two connectors', { egressNetworkConnectors: [connector('INTERNET_EGRESS'), connector('INTERNET_EGRESS')] },
      'Member must have length less than or equal to 1'],
    ['a runtime hook without ready', { hooks: { port: 9000, microvmHooks: { run: 'ENABLED' } } },
      'The ready (/ready) MicroVM image hook must be enabled when any MicroVM lifecycle hook (run, resume, suspend, or terminate) is enabled'],
    ['a hook without port', { hooks: { microvmImageHooks: { ready: 'ENABLED' } } }, 'The hooks port must be provided'],
    ['51 variables', { environmentVariables: Object.fromEntries([...Array(51).keys()].map((n) => [`V${n}`, ''])) },
      'at \'environmentVariables\' failed to satisfy constraint: Member must have length less than or equal to 50'],
  ])('CreateMicrovmImage fails on %s', async (_, input, message) => {
    await expect(create(input)).rejects.toMatchObject({
      name: 'ValidationException', message: expect.stringContaining(message), $metadata: { httpStatusCode: 400 },
    });
    expect(cloud.service.list().images).toHaveLength(1);
  });

  test.each([
    ['a bare name', { imageIdentifier: 'plain' }, 'ValidationException', 'Malformed ARN - doesn\'t start with \'arn:\''],
    ['another account\'s image', { imageIdentifier: `arn:aws:lambda:${REGION}:111111111111:microvm-image:plain` }, 'AccessDeniedException', ''],
    ['an unknown image', { imageIdentifier: `arn:aws:lambda:${REGION}:${ACCOUNT}:microvm-image:nope` }, 'ResourceNotFoundException',
      `No active version found for MicroVM image arn:aws:lambda:${REGION}:${ACCOUNT}:microvm-image:nope`],
    ['an unknown version', { imageVersion: '9.0' }, 'ResourceNotFoundException', 'and version 9.0'],
    ['a payload without run hook', { runHookPayload: 'x' }, 'ValidationException',
      'The run hook must be enabled in the MicroVM image to pass the run hook payload.'],
    ['a payload of 4097 characters', { runHookPayload: 'x'.repeat(4097) }, 'ValidationException',
      'Value at \'runHookPayload\' failed to satisfy constraint: Member must have length less than or equal to 4096'],
    ['logging without role', { logging: { cloudWatch: {} } }, 'ValidationException',
      'Logging cannot be enabled without providing executionRoleArn'],
    ['two egress connectors', { egressNetworkConnectors: [connector('INTERNET_EGRESS'), connector('INTERNET_EGRESS')] }, 'ValidationException',
      'Only one egress network connector can be provided'],
    ['a partial idle policy', { idlePolicy: { maxIdleDurationSeconds: 60, suspendedDurationSeconds: 0 } }, 'ValidationException',
      'Value null at \'idlePolicy.autoResumeEnabled\' failed to satisfy constraint: Member must not be null'],
    ['more than 8 hours', { maximumDurationInSeconds: 28_801 }, 'ValidationException', 'Member must have value less than or equal to 28800'],
  ])('RunMicrovm fails on %s', async (_, input, name, message) => {
    await expect(run(input)).rejects.toMatchObject({ name, message: expect.stringContaining(message) });
    expect(cloud.service.list().microvms).toEqual([]);
  });

  test('fails for what does not exist', async () => {
    const imageIdentifier = `arn:aws:lambda:${REGION}:${ACCOUNT}:microvm-image:nope`;
    const microvmIdentifier = 'microvm-00000000-0000-0000-0000-000000000000';
    await expect(cloud.version(imageArn, '7.0')).rejects.toThrow(`MicroVMImage not found for MicroVMImage: ${imageArn}, Version: 7.0`);
    await expect(cloud.imageState(imageIdentifier)).rejects.toThrow(`MicroVMImage not found for MicroVMImageID: ${imageIdentifier}`);
    await expect(cloud.imageState('plain')).rejects.toThrow('Invalid ARN format: plain');
    await expect(cloud.microvm(microvmIdentifier)).rejects.toMatchObject({
      name: 'ResourceNotFoundException', message: `MicroVM not found: ${microvmIdentifier}`, $metadata: { httpStatusCode: 404 },
    });
    await expect(cloud.client.send(new ListManagedMicrovmImageVersionsCommand({ imageIdentifier }))).rejects.toThrow('MicroVMImage not found');
    expect(await cloud.raw('GET', '/2025-09-09/microvms/nope')).toMatchObject({ status: 502, body: expect.stringContaining('<h1>502 Bad Gateway</h1>') });
    expect(await cloud.raw('GET', '/2025-09-09/nothing')).toMatchObject({ status: 404, body: expect.stringContaining('<html>') });
    expect(await cloud.raw('POST', '/2025-09-09/microvms', '{')).toMatchObject({ status: 400 });
  });

  test('fails to list more than 50 and pages through fewer', async () => {
    await expect(cloud.client.send(new ListMicrovmImagesCommand({ maxResults: 51 }))).rejects.toThrow('less than or equal to 50');
    const second = await cloud.createImage('second', COUNTER);
    const first = await cloud.client.send(new ListMicrovmImagesCommand({ maxResults: 1, nameFilter: 'sec' }));
    expect(first.items).toEqual([]);
    const rest = await cloud.client.send(new ListMicrovmImagesCommand({ maxResults: 1, nameFilter: 'sec', nextToken: first.nextToken }));
    expect(rest.items).toMatchObject([{ imageArn: second }]);
    expect(rest.nextToken).toBeUndefined();
    expect(first.nextToken?.length).toBeGreaterThan(680);
    await cloud.client.send(new DeleteMicrovmImageCommand({ imageIdentifier: second }));
    await expect(create({ name: 'second' })).rejects.toThrow('already exists');
    await cloud.until('the deletion', () => cloud.service.list().images.length === 1);
  });

  test('the same client token gives the same image, and fails for another request', async () => {
    const name = 'once';
    const first = await create({ name, clientToken: 'token' });
    expect(await create({ name, clientToken: 'token' })).toMatchObject({ createdAt: first.createdAt, imageArn: first.imageArn });
    expect(cloud.service.list().images).toHaveLength(2);
    await expect(create({ name, clientToken: 'token', description: 'x' })).rejects.toMatchObject({
      name: 'ConflictException', $metadata: { httpStatusCode: 409 },
    });
    const imageIdentifier = first.imageArn ?? '';
    await expect(cloud.client.send(new DeleteMicrovmImageCommand({ imageIdentifier })))
      .rejects.toThrow('Cannot delete MicroVM image in its current state: CREATING');
    await cloud.until('the build', async () => (await cloud.imageState(imageIdentifier)) === 'CREATED');
    await cloud.client.send(new DeleteMicrovmImageCommand({ imageIdentifier }));
    await cloud.until('the deletion', () => cloud.service.list().images.length === 1);
  });

  test('fails to change an image in the middle of an update, and to run an INACTIVE version', async () => {
    const imageIdentifier = await cloud.createImage('busy', COUNTER);
    const versionOne = { imageIdentifier, imageVersion: '1.0' };
    const update = () => cloud.client.send(new UpdateMicrovmImageCommand({
      imageIdentifier, baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri },
    }));
    await expect(cloud.client.send(new DeleteMicrovmImageVersionCommand(versionOne))).rejects.toThrow('last version');
    await update();
    const conflict = { name: 'ConflictException', message: 'MicroVM Image is already in state: UPDATING' };
    await expect(update()).rejects.toMatchObject(conflict);
    await expect(cloud.client.send(new UpdateMicrovmImageVersionCommand({ ...versionOne, status: 'INACTIVE' }))).rejects.toMatchObject(conflict);
    await cloud.until('the update', async () => (await cloud.imageState(imageIdentifier)) === 'UPDATED');
    await cloud.client.send(new UpdateMicrovmImageVersionCommand({ ...versionOne, status: 'INACTIVE' }));
    await expect(run({ imageIdentifier, imageVersion: '1.0' }))
      .rejects.toThrow(`No active version found for MicroVM image ${imageIdentifier} and version 1.0`);
    await cloud.client.send(new UpdateMicrovmImageVersionCommand({ imageIdentifier, imageVersion: '2.0', status: 'INACTIVE' }));
    await expect(run({ imageIdentifier })).rejects.toThrow(`No active version found for MicroVM image ${imageIdentifier}`);
  });

  test('fails to token, suspend and resume what is not there for it', async () => {
    const { id } = await cloud.run(imageArn);
    const token = (more: object) => cloud.client.send(new CreateMicrovmAuthTokenCommand({
      microvmIdentifier: id, expirationInMinutes: 5, allowedPorts: [{ port: 8080 }], ...more,
    }));
    const shell = (microvmIdentifier: string) => cloud.client.send(new CreateMicrovmShellAuthTokenCommand({
      microvmIdentifier, expirationInMinutes: 5,
    }));
    await expect(token({ expirationInMinutes: 61 })).rejects.toThrow('ExpirationMinutes 61 exceeded max allowed of 60.');
    await expect(token({ allowedPorts: [] })).rejects.toThrow('at \'allowedPorts\' failed to satisfy constraint');
    await expect(token({ allowedPorts: [{ port: 65_536 }] })).rejects.toThrow('less than or equal to 65535');
    await expect(token({ allowedPorts: [{ range: { startPort: 9, endPort: 8 } }] })).rejects.toThrow('9-8');
    const path = `/2025-09-09/microvms/${id}/auth-token`;
    expect(await cloud.raw('POST', path, JSON.stringify({ expirationInMinutes: 1, allowedPorts: [{ allPorts: true }] })))
      .toMatchObject({ status: 400, body: '{"message":"Expected null"}' });
    await expect(shell(id)).rejects.toThrow('Shell access requires SHELL_INGRESS network connector to be configured on the MicroVM.');
    const mixed = await cloud.run(imageArn, { ingressNetworkConnectors: [connector('SHELL_INGRESS'), connector('ALL_INGRESS')] });
    await expect(shell(mixed.id)).rejects.toThrow('ALL_INGRESS cannot be combined with other ingress network connectors');

    const pending = await run({});
    await expect(cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: pending.microvmId }))).rejects.toThrow('PENDING');
    await cloud.client.send(new ResumeMicrovmCommand({ microvmIdentifier: id }));
    await cloud.client.send(new TerminateMicrovmCommand({ microvmIdentifier: id }));
    await cloud.untilState(id, 'TERMINATED');
    const gone = { name: 'ValidationException', message: `The MicroVM ${id} has been terminated and its state cannot be changed.` };
    await expect(cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: id }))).rejects.toMatchObject(gone);
    await expect(cloud.client.send(new ResumeMicrovmCommand({ microvmIdentifier: id }))).rejects.toMatchObject(gone);
    await cloud.client.send(new TerminateMicrovmCommand({ microvmIdentifier: id }));
  });
});
