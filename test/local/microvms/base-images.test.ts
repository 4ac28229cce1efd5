import {
  CreateMicrovmImageCommand, ListManagedMicrovmImagesCommand, ListManagedMicrovmImageVersionsCommand, RunMicrovmCommand,
  UpdateMicrovmImageCommand,
} from '@aws-sdk/client-lambda-microvms';
import { COUNTER } from './guests';
import { BASE_IMAGE, MicrovmCloud, ROLE } from './microvm-cloud';
import type { BaseImageStatus } from '../../../local/src/microvms';

let changes = 0;
let cloud: MicrovmCloud;
beforeEach(async () => {
  changes = 0;
  cloud = await new MicrovmCloud('processes', undefined, { onChange: () => void changes++ }).open();
});
afterEach(() => cloud.close());

const versions = async () => {
  const list = new ListManagedMicrovmImageVersionsCommand({ imageIdentifier: BASE_IMAGE });
  const { items = [] } = await cloud.client.send(list);
  return items.map(({ imageVersion, status }) => `${imageVersion} ${status}`);
};

const create = (name: string, baseImageVersion?: string) => cloud.client.send(new CreateMicrovmImageCommand({
  name, baseImageArn: BASE_IMAGE, baseImageVersion, buildRoleArn: ROLE, codeArtifact: { uri: 's3://artifacts/none.zip' },
}));

const unavailable = (version: string) => (
  { name: 'ValidationException', message: `No managed MicroVM Image with arn ${BASE_IMAGE} and version ${version} is available` }
);

test('a version that is published is listed first, can be built on, and is the default', async () => {
  await expect(create('early', '2')).rejects.toMatchObject(unavailable('2'));
  await cloud.clock.advance({ hours: 1 });
  const now = cloud.clock.now();
  cloud.service.baseImages.publish('2');
  expect(await versions()).toEqual(['2 AVAILABLE', '1 AVAILABLE', '0 AVAILABLE']);
  expect(await create('named', '2')).toMatchObject({ baseImageVersion: '2.0' });
  expect(await create('default')).toMatchObject({ baseImageVersion: '2.0' });
  const { items: [image] = [] } = await cloud.client.send(new ListManagedMicrovmImagesCommand({}));
  expect(Number(image.updatedAt)).toBeGreaterThanOrEqual(now - 1);
  expect(changes).toBeGreaterThan(0);
});

test.each<[BaseImageStatus, 'built' | 'refused', 'runs' | 'refused']>([
  ['AVAILABLE', 'built', 'runs'],
  ['DEPRECATED', 'built', 'runs'],
  ['EXPIRING', 'refused', 'runs'],
  ['EXPIRED', 'refused', 'refused'],
  ['RECALLED', 'refused', 'refused'],
])('on a version that is %s an image is %s, and what was built on it %s', async (status, building, running) => {
  const imageIdentifier = await cloud.createImage('before', COUNTER, { baseImageVersion: '0' });
  cloud.service.baseImages.setStatus('0', status);
  expect(await versions()).toEqual(['1 AVAILABLE', `0 ${status}`]);
  const uri = 's3://artifacts/before.zip';
  const input = { imageIdentifier, baseImageArn: BASE_IMAGE, baseImageVersion: '0', buildRoleArn: ROLE, codeArtifact: { uri } };
  const run = cloud.client.send(new RunMicrovmCommand({ imageIdentifier, imageVersion: '1.0' }));
  if (running === 'runs') {
    expect((await run).state).toBe('PENDING');
  } else {
    await expect(run).rejects.toMatchObject({
      name: 'ResourceNotFoundException', message: `No active version found for MicroVM image ${imageIdentifier} and version 1.0`,
    });
    await expect(cloud.client.send(new RunMicrovmCommand({ imageIdentifier }))).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  }
  if (building === 'built') {
    expect(await create('after', '0')).toMatchObject({ state: 'CREATING' });
    expect(await cloud.client.send(new UpdateMicrovmImageCommand(input))).toMatchObject({ state: 'UPDATING' });
  } else {
    await expect(create('after', '0')).rejects.toMatchObject(unavailable('0'));
    await expect(cloud.client.send(new UpdateMicrovmImageCommand(input))).rejects.toMatchObject(unavailable('0'));
  }
});

test('the default is the newest version that may be built on', async () => {
  cloud.service.baseImages.setStatus('1', 'EXPIRING');
  expect(await create('default')).toMatchObject({ baseImageVersion: '0.0' });
  cloud.service.baseImages.setStatus('0', 'RECALLED');
  await expect(create('none')).rejects.toMatchObject(unavailable('1'));
});

test.each(['', '1', '0', '1.0', '02', 'x'])('fails to publish "%s"', (imageVersion) => {
  expect(() => cloud.service.baseImages.publish(imageVersion)).toThrow(new RangeError(
    `publish: imageVersion "${imageVersion}" is not a whole number above 1, the newest version`,
  ));
});

test('fails to change a version that is not there, and to a status that is none', () => {
  const { baseImages } = cloud.service;
  expect(() => baseImages.setStatus('2', 'EXPIRED')).toThrow(new RangeError('setStatus: there is no imageVersion "2"; there are 1, 0'));
  const wrong = 'GONE' as BaseImageStatus;
  expect(() => baseImages.setStatus('1', wrong)).toThrow(
    new RangeError('setStatus: status "GONE" is none of AVAILABLE, DEPRECATED, EXPIRING, EXPIRED, RECALLED'),
  );
});
