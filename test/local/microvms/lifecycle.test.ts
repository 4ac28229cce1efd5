import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  DeleteMicrovmImageCommand, GetMicrovmImageCommand, ListMicrovmsCommand, ListTagsCommand, ResumeMicrovmCommand,
  RunMicrovmCommand,
  SuspendMicrovmCommand, TagResourceCommand, TerminateMicrovmCommand, UntagResourceCommand, UpdateMicrovmImageCommand,
} from '@aws-sdk/client-lambda-microvms';
import { COUNTER, guest } from './guests';
import { describeEachIsolation } from './isolations';
import { BASE_IMAGE, MicrovmCloud, ROLE } from './microvm-cloud';

describeEachIsolation((isolation) => {
  let cloud: MicrovmCloud;
  beforeEach(async () => {
    cloud = await new MicrovmCloud(isolation).open();
  });
  afterEach(() => cloud.close());

  test('a microVM keeps memory, files and processes over suspend and resume, and goes with all it had', async () => {
    const imageArn = await cloud.createImage('counter', COUNTER, { environmentVariables: { FLAVOUR: 'plain' } });
    const { id, endpoint } = await cloud.run(imageArn);
    const token = await cloud.token(id);
    const count = async () => JSON.parse((await cloud.fetch(endpoint, '/count', { token })).body) as { memory: number; file: number; pid: number };
    await cloud.until('an answer', async () => (await cloud.fetch(endpoint, '/', { token })).status === 200);
    const before = await count();
    expect(before).toMatchObject({ memory: 1, file: 1 });

    await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: id }));
    await cloud.untilState(id, 'SUSPENDED');
    expect(await cloud.fetch(endpoint, '/count', { token })).toMatchObject({ status: 502, body: '' });
    expect((await cloud.microvm(id)).state).toBe('SUSPENDED');

    await cloud.client.send(new ResumeMicrovmCommand({ microvmIdentifier: id }));
    await cloud.untilState(id, 'RUNNING');
    expect(await count()).toEqual({ ...before, memory: 2, file: 2 });

    await expect(cloud.client.send(new DeleteMicrovmImageCommand({ imageIdentifier: imageArn })))
      .rejects.toThrow('Cannot delete microvm image with running microvms.');
    await cloud.client.send(new TerminateMicrovmCommand({ microvmIdentifier: id }));
    await cloud.untilState(id, 'TERMINATED');
    expect(await cloud.microvm(id)).toMatchObject({ stateReason: 'Success.', terminatedAt: expect.any(Date) });
    expect(await cloud.fetch(endpoint, '/count', { token })).toMatchObject({ status: 502, body: '' });
    expect(readdirSync(join(cloud.folder, 'machines'))).toEqual([]);

    await cloud.client.send(new DeleteMicrovmImageCommand({ imageIdentifier: imageArn }));
    await cloud.until('the deletion', () => cloud.service.list().images.length === 0);
    await cloud.until('the end of its files', () => readdirSync(join(cloud.folder, 'images')).length === 0);
  });

  test('the guest gets the image\'s environment and nothing of the host\'s', async () => {
    process.env.AWS_SECRET_ACCESS_KEY_OF_HOST = 'secret';
    try {
      const imageArn = await cloud.createImage('environment', COUNTER, { environmentVariables: { 'FLAVOUR': 'it\'s "plain"', 'a.b': 'x y' } });
      const { id, endpoint } = await cloud.run(imageArn);
      const token = await cloud.token(id);
      await cloud.until('an answer', async () => (await cloud.fetch(endpoint, '/', { token })).status === 200);
      const { env } = JSON.parse((await cloud.fetch(endpoint, '/', { token })).body) as { env: Record<string, string> };
      expect(env).toMatchObject({
        'FLAVOUR': 'it\'s "plain"',
        'a.b': 'x y',
        'AWS_REGION': 'us-east-1',
        'AWS_LAMBDA_MICROVM_IMAGE_NAME': 'environment',
        'AWS_LAMBDA_MICROVM_IMAGE_ARN': imageArn,
        'AWS_LAMBDA_MICROVM_IMAGE_VERSION': '1.0',
      });
      const expected = /^(PATH|HOME|PWD|TMPDIR|PORT|FLAVOUR|a\.b|AWS_REGION|AWS_EC2_METADATA_SERVICE_ENDPOINT|AWS_LAMBDA_MICROVM_IMAGE_\w+|MICROVM_LOCAL_\w+)$/;
      expect(Object.keys(env).filter((name) => !expected.test(name))).toEqual([]);
    } finally {
      delete process.env.AWS_SECRET_ACCESS_KEY_OF_HOST;
    }
  });

  test('a changed artifact becomes version 2.0, and the next microVM runs it', async () => {
    const imageArn = await cloud.createImage('versions', COUNTER);
    const uri = await cloud.putArtifact('second.zip', guest('listen(8080, (request, response) => response.end(\'second\'));'));
    await cloud.client.send(new UpdateMicrovmImageCommand({
      imageIdentifier: imageArn, baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri },
    }));
    await cloud.until('the update', async () => (await cloud.imageState(imageArn)) === 'UPDATED');
    expect(await cloud.client.send(new GetMicrovmImageCommand({ imageIdentifier: imageArn }))).toMatchObject({ latestActiveImageVersion: '2.0' });
    const { id, endpoint } = await cloud.run(imageArn);
    const token = await cloud.token(id);
    await cloud.until('the second version', async () => (await cloud.fetch(endpoint, '/', { token })).body === 'second');
    expect((await cloud.client.send(new ListMicrovmsCommand({ imageIdentifier: imageArn, imageVersion: '2.0' }))).items)
      .toMatchObject([{ microvmId: id, imageVersion: '2.0' }]);
  });

  test('the end of the main process ends the microVM: 502 at once, TERMINATED a moment later', async () => {
    const imageArn = await cloud.createImage('exit', COUNTER);
    const { id, endpoint } = await cloud.run(imageArn);
    const token = await cloud.token(id);
    await cloud.until('an answer', async () => (await cloud.fetch(endpoint, '/', { token })).status === 200);
    expect((await cloud.fetch(endpoint, '/exit', { token })).status).toBe(502);
    expect((await cloud.microvm(id)).state).toBe('RUNNING');
    await cloud.untilState(id, 'TERMINATED');
    expect((await cloud.microvm(id)).stateReason).toBe('Container Stopped with Exit Code: 7');
  });

  test('output is logged with an execution role, in the stream of the microVM', async () => {
    const imageArn = await cloud.createImage('logs', COUNTER);
    const silent = await cloud.run(imageArn);
    const logged = await cloud.run(imageArn, { executionRoleArn: ROLE });
    const lines = () => cloud.logs.filter(({ message }) => message === 'counter is up');
    await cloud.until('the output', () => lines().some(({ stream }) => stream.endsWith(`[1.0]${logged.id}`)));
    expect(lines().filter(({ stream }) => stream.includes(silent.id))).toEqual([]);
    expect(lines().find(({ stream }) => stream.includes(logged.id))).toMatchObject({
      group: '/aws/lambda-microvms/logs',
      stream: expect.stringMatching(/^\d{4}\/\d\d\/\d\d\[1\.0\]microvm-/),
    });
  });

  test('the same client token runs one microVM', async () => {
    const imageArn = await cloud.createImage('tokens', COUNTER);
    const input = { imageIdentifier: imageArn, clientToken: 'once' };
    const first = await cloud.client.send(new RunMicrovmCommand(input));
    const second = await cloud.client.send(new RunMicrovmCommand(input));
    expect(second.microvmId).toBe(first.microvmId);
    expect(cloud.service.list().microvms).toHaveLength(1);
    await expect(cloud.client.send(new RunMicrovmCommand({ ...input, maximumDurationInSeconds: 60 })))
      .rejects.toMatchObject({ name: 'ConflictException' });
  });

  test('tags come and go without a build', async () => {
    const imageArn = await cloud.createImage('tags', COUNTER, { tags: { team: 'a' } });
    await cloud.client.send(new TagResourceCommand({ Resource: imageArn, Tags: { stage: 'test' } }));
    await cloud.client.send(new UntagResourceCommand({ Resource: imageArn, TagKeys: ['team'] }));
    expect((await cloud.client.send(new ListTagsCommand({ Resource: imageArn }))).Tags).toEqual({ stage: 'test' });
    expect((await cloud.client.send(new GetMicrovmImageCommand({ imageIdentifier: imageArn }))).tags).toEqual({ stage: 'test' });
  });

  test('nothing is left after close, whatever was under way', async () => {
    const imageArn = await cloud.createImage('closing', COUNTER);
    const running = await cloud.run(imageArn);
    const suspended = await cloud.run(imageArn);
    await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: suspended.id }));
    await cloud.untilState(suspended.id, 'SUSPENDED');
    await cloud.client.send(new RunMicrovmCommand({ imageIdentifier: imageArn }));
    expect(running.id).not.toBe(suspended.id);
    await cloud.service.close();
    expect(existsSync(join(cloud.folder, 'machines'))).toBe(false);
    expect(existsSync(join(cloud.folder, 'images'))).toBe(false);
    expect(cloud.warnings).toEqual([]);
  });
});
