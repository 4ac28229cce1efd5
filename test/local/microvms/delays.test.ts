import {
  DeleteMicrovmImageVersionCommand, ResumeMicrovmCommand, RunMicrovmCommand, SuspendMicrovmCommand,
  TerminateMicrovmCommand, UpdateMicrovmImageCommand,
} from '@aws-sdk/client-lambda-microvms';
import { COUNTER } from './guests';
import { BASE_IMAGE, MicrovmCloud, ROLE } from './microvm-cloud';
import { MicrovmService } from '../../../local/src/microvms';

const SLEEPER = { Dockerfile: 'FROM scratch\nCMD ["sleep", "36000"]\n' };

/** A second of AWS takes a thousand here: what the tests do meanwhile takes no time in comparison. */
const TIME_SCALE = 1000;

let cloud: MicrovmCloud;
const open = async (more: object = {}) => {
  cloud = await new MicrovmCloud('processes', undefined, { timeScale: TIME_SCALE, ...more }).open();
};
afterEach(() => cloud.close());

/** Lets `seconds` of AWS pass. */
const pass = (seconds: number) => cloud.clock.advance({ seconds: seconds * TIME_SCALE });
const stateOf = async (id: string) => (await cloud.microvm(id)).state;

const passUntil = <T>(work: Promise<T>): Promise<T> => cloud.passing(work, TIME_SCALE);
const createImage = (name: string, files: Record<string, string>): Promise<string> => (
  passUntil(cloud.createImage(name, files))
);

/** The machine is up; only the delay is missing. */
async function start(image: string, more: object = {}): Promise<string> {
  const { microvmId = '' } = await cloud.client.send(new RunMicrovmCommand({ imageIdentifier: image, ...more }));
  await cloud.until('the machine', () => cloud.logs.some(({ stream, message }) => stream.includes(microvmId) && message === 'counter is up'));
  return microvmId;
}

const role = { executionRoleArn: ROLE };

test('a microVM takes as long as on AWS from each state to the next', async () => {
  await open();
  const id = await start(await createImage('timed', COUNTER), role);
  await pass(1.7);
  expect(await stateOf(id)).toBe('PENDING');
  await pass(0.2);
  await cloud.untilState(id, 'RUNNING');

  await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: id }));
  await pass(0.9);
  expect(await stateOf(id)).toBe('SUSPENDING');
  await passUntil(cloud.untilState(id, 'SUSPENDED'));
  await cloud.client.send(new ResumeMicrovmCommand({ microvmIdentifier: id }));
  await pass(0.3);
  expect(await stateOf(id)).toBe('SUSPENDED');
  await passUntil(cloud.untilState(id, 'RUNNING'));

  await cloud.client.send(new TerminateMicrovmCommand({ microvmIdentifier: id }));
  expect(await stateOf(id)).toBe('RUNNING');
  await expect(cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: id }))).rejects.toThrow('has been terminated');
  await pass(0.15);
  expect(await stateOf(id)).toBe('TERMINATING');
  for (const path of ['suspend', 'resume', 'auth-token', 'shell-auth-token']) {
    const input = { expirationInMinutes: 1, allowedPorts: [{ port: 1 }] };
    const { status, body } = await cloud.raw('POST', `/2025-09-09/microvms/${id}/${path}`, JSON.stringify(input));
    expect({ status, body }).toEqual({ status: 400, body: `{"message":"The MicroVM ${id} has been terminated and its state cannot be changed."}` });
  }
  await pass(2.7);
  expect(await stateOf(id)).toBe('TERMINATING');
  await pass(0.2);
  await cloud.untilState(id, 'TERMINATED');
});

test('a PENDING microVM fails to be suspended and resumed, with a conflict', async () => {
  await open();
  const id = await start(await createImage('pending', COUNTER), role);
  for (const operation of ['suspend', 'resume']) {
    const { status, headers, body } = await cloud.raw('POST', `/2025-09-09/microvms/${id}/${operation}`);
    expect({ status, type: headers['x-amzn-errortype'] }).toEqual({ status: 409, type: 'ConflictException' });
    expect(JSON.parse(body)).toEqual({ message: expect.stringContaining('PENDING'), resourceId: null, resourceType: null });
  }
  expect(await stateOf(id)).toBe('PENDING');
  await cloud.client.send(new TerminateMicrovmCommand({ microvmIdentifier: id }));
  await passUntil(cloud.untilState(id, 'TERMINATED'));
});

test('the end of the main process is noticed after 15 seconds, and the endpoint answers 502 at once', async () => {
  await open();
  const id = await start(await createImage('exiting', COUNTER), role);
  await passUntil(cloud.untilState(id, 'RUNNING'));
  const { endpoint = '' } = await cloud.microvm(id);
  // Tokens live for an hour; the clock of this test runs faster.
  await cloud.service.kill(id, 7);
  expect(await stateOf(id)).toBe('RUNNING');
  await pass(14.8);
  expect(await stateOf(id)).toBe('RUNNING');
  const token = await cloud.token(id);
  expect(await cloud.fetch(endpoint, '/', { token })).toMatchObject({ status: 502 });
  await pass(0.3);
  await cloud.untilState(id, 'TERMINATED');
  expect((await cloud.microvm(id)).stateReason).toBe('Container Stopped with Exit Code: 7');
});

test('a version is deleted in 5.4 seconds, in which the image is UPDATING', async () => {
  await open();
  const imageIdentifier = await createImage('versions', SLEEPER);
  const uri = await cloud.putArtifact('two.zip', SLEEPER);
  const update = { imageIdentifier, baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri } };
  await cloud.client.send(new UpdateMicrovmImageCommand(update));
  await passUntil(cloud.until('the update', async () => (await cloud.imageState(imageIdentifier)) === 'UPDATED'));
  await cloud.client.send(new DeleteMicrovmImageVersionCommand({ imageIdentifier, imageVersion: '1.0' }));
  await pass(5.3);
  expect(await cloud.imageState(imageIdentifier)).toBe('UPDATING');
  await pass(0.2);
  await cloud.until('the deletion', async () => (await cloud.imageState(imageIdentifier)) === 'UPDATED');
});

test('with lazy expiry a microVM stays SUSPENDED until its maximum duration', async () => {
  await open({ timeScale: 0, suspendedExpiry: 'lazy' });
  const idlePolicy = { maxIdleDurationSeconds: 60, suspendedDurationSeconds: 60, autoResumeEnabled: true };
  const { id } = await cloud.run(await cloud.createImage('lazy', SLEEPER), { idlePolicy });
  await cloud.clock.advance({ minutes: 1, seconds: 1 });
  await cloud.untilState(id, 'SUSPENDED');
  await cloud.clock.advance({ hours: 7 });
  expect(await stateOf(id)).toBe('SUSPENDED');
  await cloud.client.send(new ResumeMicrovmCommand({ microvmIdentifier: id }));
  await cloud.untilState(id, 'RUNNING');
  await cloud.clock.advance({ hours: 1 });
  expect(await cloud.microvm(id)).toMatchObject({ state: 'TERMINATED', stateReason: 'MicroVM exceeded maximum lifetime.' });
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('fails with a time scale of %p', async (timeScale) => {
  await open({ timeScale: 0 });
  const options = { account: '000000000000', region: 'us-east-1', clock: cloud.clock, objects: { read: async () => undefined } };
  expect(() => new MicrovmService({
    ...options, logs: { write: () => undefined }, roles: { assume: async () => undefined }, folder: cloud.folder, isolation: 'processes', timeScale,
  })).toThrow(/^timeScale: .* is no factor of time/);
});
