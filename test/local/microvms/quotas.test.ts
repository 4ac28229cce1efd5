import {
  CreateMicrovmAuthTokenCommand, CreateMicrovmImageCommand, CreateMicrovmShellAuthTokenCommand, GetMicrovmCommand,
  ListMicrovmsCommand, ResumeMicrovmCommand, RunMicrovmCommand, SuspendMicrovmCommand, TerminateMicrovmCommand,
  UpdateMicrovmImageCommand,
} from '@aws-sdk/client-lambda-microvms';
import { BASE_IMAGE, MicrovmCloud, ROLE } from './microvm-cloud';
import { LocalClock } from '../../../local/src/clock';
import type { MicrovmQuotas } from '../../../local/src/microvms';
import { defaultQuotas, readQuotas } from '../../../local/src/microvms/quotas';
import { RateLimits } from '../../../local/src/microvms/rate-limits';

const SLEEPER = { Dockerfile: 'FROM scratch\nCMD ["sleep", "600"]\n' };
const UNKNOWN = 'microvm-00000000-0000-0000-0000-000000000000';

let cloud: MicrovmCloud;
const open = async (quotas: true | MicrovmQuotas, more: object = {}) => {
  cloud = await new MicrovmCloud('processes', undefined, { timeScale: 0, quotas, ...more }).open();
};

describe('ceilings', () => {
  afterEach(() => cloud.close());

  const run = (imageIdentifier: string) => cloud.client.send(new RunMicrovmCommand({ imageIdentifier }));
  const create = (name: string, uri = 's3://none/none') => cloud.client.send(new CreateMicrovmImageCommand({
    name, baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri },
  }));
  const memoryFull = {
    name: 'ServiceQuotaExceededException',
    message: 'The base maximum allocated memory limit has been reached for this account.',
    $metadata: { httpStatusCode: 402 },
  };

  test('memory counts every microVM that is not TERMINATED, by its size', async () => {
    await open({ memoryMib: 4096 });
    const image = await cloud.createImage('sized', SLEEPER);
    const small = await cloud.createImage('small', SLEEPER, { resources: [{ minimumMemoryInMiB: 512 }] });
    const { id } = await cloud.run(image);
    await cloud.client.send(new SuspendMicrovmCommand({ microvmIdentifier: id }));
    await cloud.run(image);
    await expect(run(image)).rejects.toMatchObject(memoryFull);
    await expect(run(small)).rejects.toMatchObject(memoryFull);
    await cloud.terminate(id);
    await cloud.run(image);
  });

  test('memory counts a microVM that is being torn down', async () => {
    await open({ memoryMib: 2048 }, { timeScale: 1000 });
    const image = await cloud.passing(cloud.createImage('slow', SLEEPER), 1000);
    const { microvmId = '' } = await run(image);
    await cloud.client.send(new TerminateMicrovmCommand({ microvmIdentifier: microvmId }));
    await expect(run(image)).rejects.toMatchObject(memoryFull);
    await cloud.passing(cloud.untilState(microvmId, 'TERMINATED'), 1000);
    await run(image);
  });

  test('memory by the peak is refused only once it is above the quota', async () => {
    await open({ memoryMib: 8192 }, { memoryCounting: 'peak' });
    const image = await cloud.createImage('peak', SLEEPER);
    await cloud.run(image);
    await cloud.run(image);
    await expect(run(image)).rejects.toMatchObject(memoryFull);
  });

  test('a quota error has its members, and they are null', async () => {
    await open({ memoryMib: 512 });
    const image = await cloud.createImage('wire', SLEEPER);
    const { status, headers, body } = await cloud.raw('POST', '/2025-09-09/microvms', JSON.stringify({ imageIdentifier: image }));
    expect({ status, type: headers['x-amzn-errortype'] }).toEqual({ status: 402, type: 'ServiceQuotaExceededException' });
    expect(JSON.parse(body)).toEqual({
      message: memoryFull.message, resourceId: null, resourceType: null, serviceCode: null, quotaCode: null,
    });
  });

  test('builds at the same time are limited, and a token that met the limit is free', async () => {
    await open({ concurrentBuilds: 1 }, { timeScale: 1000 });
    await create('one');
    const refused = {
      name: 'ServiceQuotaExceededException',
      message: 'Account 000000000000 has reached the maximum number of concurrent builds allowed.',
      $metadata: { httpStatusCode: 402 },
    };
    await expect(create('two')).rejects.toMatchObject(refused);
    expect(cloud.service.list().images).toEqual(['one']);
    const imageArn = 'arn:aws:lambda:us-east-1:000000000000:microvm-image:one';
    await cloud.passing(cloud.until('the failure', async () => (await cloud.imageState(imageArn)) === 'CREATE_FAILED'), 1000);
    await create('two');
  });

  test('builds of updates count, and are refused, as well', async () => {
    await open({ concurrentBuilds: 1 }, { timeScale: 1000 });
    const imageIdentifier = await cloud.passing(cloud.createImage('one', SLEEPER), 1000);
    const update = () => cloud.client.send(new UpdateMicrovmImageCommand({
      imageIdentifier, baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri: 's3://artifacts/one.zip' }, clientToken: 'token',
    }));
    await create('two');
    await expect(update()).rejects.toMatchObject({
      name: 'ServiceQuotaExceededException',
      message: 'Account 000000000000 has reached the maximum number of concurrent builds allowed.',
      $metadata: { httpStatusCode: 402 },
    });
    expect(await cloud.imageState(imageIdentifier)).toBe('CREATED');
    const two = imageIdentifier.replace(/one$/, 'two');
    await cloud.passing(cloud.until('the failure', async () => (await cloud.imageState(two)) === 'CREATE_FAILED'), 1000);
    expect(await update()).toMatchObject({ state: 'UPDATING' });
    await expect(create('three')).rejects.toMatchObject({ $metadata: { httpStatusCode: 402 } });
  });

  test('images, and versions of an image, are limited', async () => {
    await open({ images: 1, versionsPerImage: 2 });
    const imageIdentifier = await cloud.createImage('only', SLEEPER);
    await expect(create('other')).rejects.toMatchObject({ name: 'ServiceQuotaExceededException', message: expect.stringContaining('MicroVM images') });
    await expect(create('only')).rejects.toMatchObject({ name: 'ValidationException' });
    const uri = await cloud.putArtifact('version.zip', SLEEPER);
    const update = () => cloud.client.send(new UpdateMicrovmImageCommand({
      imageIdentifier, baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri },
    }));
    await update();
    await cloud.until('the update', async () => (await cloud.imageState(imageIdentifier)) === 'UPDATED');
    await expect(update()).rejects.toMatchObject({ name: 'ServiceQuotaExceededException', message: expect.stringContaining(imageIdentifier) });
  });
});

describe('rates', () => {
  const calls = {
    ResumeMicrovm: [5, new ResumeMicrovmCommand({ microvmIdentifier: UNKNOWN })],
    SuspendMicrovm: [2, new SuspendMicrovmCommand({ microvmIdentifier: UNKNOWN })],
    TerminateMicrovm: [10, new TerminateMicrovmCommand({ microvmIdentifier: UNKNOWN })],
    GetMicrovm: [100, new GetMicrovmCommand({ microvmIdentifier: UNKNOWN })],
    CreateMicrovmAuthToken: [50, new CreateMicrovmAuthTokenCommand({
      microvmIdentifier: UNKNOWN, expirationInMinutes: 1, allowedPorts: [{ port: 1 }],
    })],
    CreateMicrovmShellAuthToken: [5, new CreateMicrovmShellAuthTokenCommand({
      microvmIdentifier: UNKNOWN, expirationInMinutes: 1,
    })],
    ListMicrovms: [5, new ListMicrovmsCommand({})],
  } as const;

  /** Stands still until it is moved. */
  class StillClock extends LocalClock {
    readonly #start = Date.UTC(2026, 0, 1);

    override now(): number {
      return this.#start + this.offsetMs;
    }
  }

  const throttled = { name: 'ThrottlingException', $metadata: { httpStatusCode: 429 } };

  test.each(Object.keys(calls) as (keyof typeof calls)[])('%s is throttled above its rate, and comes back with time', async (operation) => {
    const clock = new StillClock();
    await open(true, { clock });
    try {
      const [rate, command] = calls[operation];
      const attempt = () => cloud.client.send(command as GetMicrovmCommand).then(() => 'ok', (error: Error) => error.name);
      const outcomes = [];
      for (let call = 0; call < rate + 2; call++) outcomes.push(await attempt());
      expect(outcomes.slice(0, rate)).not.toContain('ThrottlingException');
      expect(outcomes.slice(rate)).toEqual(['ThrottlingException', 'ThrottlingException']);
      await clock.advance({ ms: 1000 / rate });
      expect(await attempt()).not.toBe('ThrottlingException');
      expect(await attempt()).toBe('ThrottlingException');
      await clock.advance({ hours: 1 });
      expect(await attempt()).not.toBe('ThrottlingException');
    } finally {
      await cloud.close();
    }
  });

  test('an error has its members, and they are null', async () => {
    await open({ rates: { GetMicrovm: 1 } }, { clock: new StillClock() });
    try {
      await expect(cloud.microvm(UNKNOWN)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
      await expect(cloud.microvm(UNKNOWN)).rejects.toMatchObject(throttled);
      const { headers, body } = await cloud.raw('GET', `/2025-09-09/microvms/${UNKNOWN}`);
      expect(headers['x-amzn-errortype']).toBe('ThrottlingException');
      expect(JSON.parse(body)).toEqual({ message: 'Rate exceeded', serviceCode: null, quotaCode: null });
    } finally {
      await cloud.close();
    }
  });

  test('RunMicrovm above its rate is held back, and refused only after that', async () => {
    const clock = new StillClock();
    const limits = new RateLimits(clock, { RunMicrovm: 5 });
    const outcomes: string[] = [];
    const admit = (): Promise<void> => limits.admit('RunMicrovm').then(() => void outcomes.push('ran'), () => void outcomes.push('refused'));
    for (let call = 0; call < 5; call++) await admit();
    const held = Array.from({ length: 7 }, admit);
    await held[6];
    // Six can wait for their turn of 200 ms each within 1.2 seconds, the seventh cannot.
    expect(outcomes).toEqual([...Array.from({ length: 5 }, () => 'ran'), 'refused']);
    await clock.advance({ ms: 200 });
    await held[0];
    expect(outcomes).toHaveLength(7);
    await clock.advance({ ms: 1000 });
    await Promise.all(held);
    expect(outcomes.filter((outcome) => outcome === 'ran')).toHaveLength(11);
    clock.stop();
  });
});

describe('the option', () => {
  test('true takes the quotas of a new account in the Region', () => {
    expect(readQuotas(true, 'us-east-1')).toMatchObject({ memoryMib: 1_048_576, concurrentBuilds: 10, images: 100, versionsPerImage: 50 });
    expect(defaultQuotas('eu-west-1')).toMatchObject({ memoryMib: 409_600, concurrentBuilds: 5, rates: { RunMicrovm: 5, SuspendMicrovm: 2 } });
    expect(readQuotas(undefined, 'us-east-1')).toEqual({ rates: {} });
  });

  test('defaults fill in what is left out', () => {
    const quotas = readQuotas({ defaults: true, memoryMib: 2048, images: undefined, rates: { GetMicrovm: 1 } }, 'eu-west-1');
    expect(quotas).toEqual({ ...defaultQuotas('eu-west-1'), memoryMib: 2048, rates: { ...defaultQuotas('eu-west-1').rates, GetMicrovm: 1 } });
    expect(readQuotas({ memoryMib: 2048 }, 'eu-west-1')).toEqual({ memoryMib: 2048, rates: {} });
  });

  test.each([
    [{ memory: 1 }, 'quotas.memory is no quota of the MicroVMs; there are rates, memoryMib, concurrentBuilds'],
    [{ memoryMib: 0 }, 'quotas.memoryMib: 0 is not a whole number above 0'],
    [{ rates: { RunMicroVM: 1 } }, 'quotas.rates.RunMicroVM is no quota'],
    [{ rates: { RunMicrovm: 0.5 } }, 'quotas.rates.RunMicrovm: 0.5 is not a whole number above 0'],
  ])('fails with %j', (quotas, message) => {
    expect(() => readQuotas(quotas as MicrovmQuotas, 'us-east-1')).toThrow(message);
  });
});
