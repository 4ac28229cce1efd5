import {
  CreateMicrovmImageCommand, DeleteMicrovmImageCommand, ListMicrovmImagesCommand, TerminateMicrovmCommand,
  UpdateMicrovmImageCommand,
} from '@aws-sdk/client-lambda-microvms';
import { ACCOUNT, BASE_IMAGE, MicrovmCloud, ROLE } from './microvm-cloud';

const SLEEPER = { Dockerfile: 'FROM scratch\nCMD ["sleep", "600"]\n' };

let cloud: MicrovmCloud;
beforeEach(async () => {
  cloud = await new MicrovmCloud('processes', undefined, { timeScale: 0 }).open();
});
afterEach(() => cloud.close());

const input = (uri: string) => ({ baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri } });
const settled = (imageIdentifier: string) => cloud.until('a settled image', async () => (
  !(await cloud.imageState(imageIdentifier))?.endsWith('ING')
));

interface Page {
  readonly items: readonly Record<string, unknown>[];
  readonly nextToken: string | null;
}

/** Body of an answer as it stands on the wire. */
async function wire(method: string, path: string): Promise<Page> {
  return JSON.parse((await cloud.raw(method, path)).body) as Page;
}

describe('lists', () => {
  test('hold ten by default and are cut before the name filter', async () => {
    for (let index = 0; index < 11; index++) {
      await cloud.client.send(new CreateMicrovmImageCommand({ name: index === 10 ? 'last' : `many-${index}`, ...input('s3://none/none') }));
    }
    const first = await cloud.client.send(new ListMicrovmImagesCommand({}));
    expect(first.items).toHaveLength(10);
    const rest = await cloud.client.send(new ListMicrovmImagesCommand({ nextToken: first.nextToken }));
    expect(rest.items?.map(({ name }) => name)).toEqual(['last']);
    expect(rest.nextToken).toBeUndefined();
    const filtered = await cloud.client.send(new ListMicrovmImagesCommand({ nameFilter: 'last' }));
    expect(filtered).toMatchObject({ items: [], nextToken: expect.any(String) });
    expect((await cloud.client.send(new ListMicrovmImagesCommand({ nameFilter: 'last', nextToken: filtered.nextToken }))).items).toHaveLength(1);
    expect((await cloud.client.send(new ListMicrovmImagesCommand({ maxResults: 50 }))).items).toHaveLength(11);
    for (const { imageArn = '' } of (await cloud.client.send(new ListMicrovmImagesCommand({ maxResults: 50 }))).items ?? []) await settled(imageArn);
  });

  test('go on where they were although an item is gone', async () => {
    const arns = [];
    for (const name of ['a', 'b', 'c']) arns.push(await cloud.createImage(name, SLEEPER));
    const { nextToken } = await cloud.client.send(new ListMicrovmImagesCommand({ maxResults: 1 }));
    await cloud.client.send(new DeleteMicrovmImageCommand({ imageIdentifier: arns[0] }));
    await cloud.until('the deletion', () => cloud.service.list().images.length === 2);
    const { items = [] } = await cloud.client.send(new ListMicrovmImagesCommand({ maxResults: 1, nextToken }));
    expect(items.map(({ name }) => name)).toEqual(['b']);
  });

  test('fail on a cursor that is altered or foreign, or holds a = that is not encoded', async () => {
    const imageArn = await cloud.createImage('a', SLEEPER);
    await cloud.createImage('b', SLEEPER);
    const images = '/2025-09-09/microvm-images';
    const { nextToken } = await wire('GET', `${images}?maxResults=1`);
    const cursor = String(nextToken);
    expect(cursor).toMatch(/^[A-Za-z0-9_-]{688}$/);
    expect((await cloud.raw('GET', `${images}?nextToken=${cursor}`)).status).toBe(200);
    const refused = { status: 400, headers: { 'x-amzn-errortype': 'ValidationException' }, body: '{"message":null}' };
    const altered = `${cursor.slice(0, 100)}${cursor[100] === 'A' ? 'B' : 'A'}${cursor.slice(101)}`;
    for (const bad of [`${cursor}=`, `${cursor}%3D`, cursor.slice(0, -1), altered, '', 'x', `${cursor}%20`]) {
      expect(await cloud.raw('GET', `${images}?nextToken=${bad}`)).toMatchObject(refused);
    }
    expect(await cloud.raw('GET', `${images}/${imageArn}/versions?nextToken=${cursor}`)).toMatchObject(refused);
    expect(await cloud.raw('GET', `/2025-09-09/microvms?nextToken=${cursor}`)).toMatchObject(refused);
    for (const path of [`${images}/${imageArn}/versions`, `${images}/${imageArn}/versions/1.0/builds`]) {
      expect((await cloud.raw('GET', `${path}?maxResults=51`)).body).toContain('Member must have value less than or equal to 50');
      expect((await wire('GET', `${path}?maxResults=1`)).items).toHaveLength(1);
    }
  });

  test('go on from page to page, in one order, and end with a nextToken of null', async () => {
    const one = await cloud.createImage('one', SLEEPER);
    await cloud.createImage('two', SLEEPER);
    const { imageVersion } = await cloud.client.send(new UpdateMicrovmImageCommand({ imageIdentifier: one, ...input('s3://artifacts/one.zip') }));
    await settled(one);
    const ids = [(await cloud.run(one)).id, (await cloud.run(one)).id];
    const managed = '/2025-09-09/managed-microvm-images';
    const cases: [path: string, member: string, expected: unknown[]][] = [
      ['/2025-09-09/microvm-images', 'name', ['one', 'two']],
      [`/2025-09-09/microvm-images/${one}/versions`, 'imageVersion', ['1.0', imageVersion]],
      [`/2025-09-09/microvm-images/${one}/versions/1.0/builds`, 'chipsetGeneration', ['4', '3']],
      [managed, 'imageArn', [BASE_IMAGE]],
      [`${managed}/${BASE_IMAGE}/versions`, 'imageVersion', ['1', '0']],
      ['/2025-09-09/microvms', 'microvmId', ids],
      [`/2025-09-09/microvms?imageIdentifier=${one}&imageVersion=2.0`, 'microvmId', ids],
    ];
    for (const [path, member, expected] of cases) {
      const seen: unknown[] = [];
      let nextToken: string | null = '';
      while (nextToken !== null) {
        const more: string = nextToken === '' ? '' : `&nextToken=${nextToken}`;
        const page = await wire('GET', `${path}${path.includes('?') ? '&' : '?'}maxResults=1${more}`);
        expect(page.items).toHaveLength(1);
        seen.push(page.items[0][member]);
        ({ nextToken } = page);
      }
      expect([path, ...seen]).toEqual([path, ...expected]);
    }
  });

  test('of builds are cut before their filter as well', async () => {
    const image = await cloud.createImage('built', SLEEPER);
    const builds = `/2025-09-09/microvm-images/${image}/versions/1.0/builds?chipsetGeneration=3`;
    const first = await wire('GET', `${builds}&maxResults=1`);
    expect(first).toEqual({ items: [], nextToken: expect.any(String) });
    const rest = await wire('GET', `${builds}&maxResults=1&nextToken=${first.nextToken}`);
    expect(rest).toMatchObject({ items: [{ chipsetGeneration: '3' }], nextToken: null });
    expect((await wire('GET', builds)).items).toHaveLength(1);
  });

  test('of microVMs know images by their ARN, and versions without an image', async () => {
    const image = await cloud.createImage('listed', SLEEPER);
    const { id } = await cloud.run(image);
    await cloud.client.send(new TerminateMicrovmCommand({ microvmIdentifier: id }));
    const list = (query: string) => wire('GET', `/2025-09-09/microvms?${query}`);
    for (const identifier of [image, encodeURIComponent(image)]) {
      expect((await list(`imageIdentifier=${identifier}`)).items.map(({ microvmId }) => microvmId)).toEqual([id]);
    }
    expect((await list('imageVersion=1.0')).items).toHaveLength(1);
    expect((await list('imageVersion=2.0')).items).toEqual([]);
    const foreign = image.replace(ACCOUNT, '111111111111');
    expect(await cloud.raw('GET', `/2025-09-09/microvms?imageIdentifier=${foreign}`))
      .toMatchObject({ status: 403, headers: { 'x-amzn-errortype': 'AccessDeniedException' } });
  });
});
