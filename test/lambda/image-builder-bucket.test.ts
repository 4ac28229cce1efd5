import { BuilderFixture, deletion, event, PROPERTIES, update } from './builder-fixture';
import { s3Error } from './fake-artifacts';
import { ARN } from './fake-images';

let { images, artifacts, lines, start, complete, created, serve } = new BuilderFixture();
beforeEach(() => {
  ({ images, artifacts, lines, start, complete, created, serve } = new BuilderFixture());
});

const FORMER = 'artifacts/agent/0123.zip';
const NEXT = 'next/agent/0123.zip';
const MOVED = { ...PROPERTIES, ArtifactBucket: 'next' };

const move = () => update({ ArtifactBucket: 'next' });
/** As CloudFormation asks for it: what failed is the old state. */
const moveBack = () => update({}, 'request-3', MOVED);
const objects = () => [...artifacts.objects].sort();

describe('an image that moves to another bucket', () => {
  it('leaves nothing in the former one, and what is there of others', async () => {
    await created();
    for (const object of ['artifacts/agent/earlier.zip', 'artifacts/agent-2/0123.zip', 'artifacts/other/agent/0123.zip']) artifacts.objects.add(object);
    expect(await complete(move())).toMatchObject({ ImageVersion: '2.0' });
    expect(objects()).toEqual(['artifacts/agent-2/0123.zip', 'artifacts/other/agent/0123.zip', NEXT]);
  });

  it('keeps its artifacts until the version from the new bucket is current', async () => {
    await created();
    const { look } = await start(move());
    for (let looks = 0; looks < 2; looks++) {
      expect(await look()).toEqual({ IsComplete: false });
      expect(objects()).toEqual([FORMER, NEXT]);
    }
    serve();
    while (!(await look()).IsComplete) expect(objects()).toEqual([FORMER, NEXT]);
    expect(objects()).toEqual([NEXT]);
  });

  it('and whose build fails goes back without a build, and leaves nothing in the new one', async () => {
    await created();
    const { look } = await start(move());
    await look();
    images.finish('agent', { state: 'FAILED' });
    await expect(look()).rejects.toThrow('version 2.0, failed to build');
    expect(objects()).toEqual([FORMER, NEXT]);
    expect(await complete(moveBack())).toMatchObject({ ImageVersion: '1.0' });
    expect(images.submitted).toHaveLength(2);
    expect(objects()).toEqual([FORMER]);
  });

  it('and goes back when something else failed builds nothing, and needs nothing in either', async () => {
    await created();
    await complete(move());
    expect(await complete(moveBack())).toMatchObject({ ImageVersion: '1.0' });
    expect(images.submitted).toHaveLength(2);
    expect(objects()).toEqual([]);
  });

  it('is deleted with what it has in the new one', async () => {
    await created();
    await complete(move());
    expect(await complete(deletion({ ResourceProperties: MOVED }))).toEqual({});
    expect(objects()).toEqual([]);
  });

  it.each([
    ['may not be deleted', s3Error('AccessDenied', 403, 'no right for arn:aws:sts::123456789012:assumed-role/builder')],
    ['cannot be deleted', s3Error('InternalError', 500)],
  ])('is complete although what it has in the former one %s, and says so', async (_, fault) => {
    await created();
    artifacts.deletionFault = fault;
    expect(await complete(move())).toMatchObject({ ImageVersion: '2.0' });
    expect(lines).toContainEqual({
      level: 'warn', message: 'cannot delete the artifacts in the former bucket', imageName: 'agent', bucket: 'artifacts', error: fault.name,
    });
  });
});

const IN_PLACE = { SourceBucket: undefined, SourceKey: undefined, ArtifactBucket: 'users', ArtifactKey: 'contexts/app.zip' };

it('an object that was used in place stays when the image gets a bucket of its own', async () => {
  artifacts.objects.add('users/contexts/app.zip');
  const inPlace = { ...PROPERTIES, ...IN_PLACE };
  await complete(event({ ResourceProperties: inPlace }));
  await complete(update({}, 'request-2', inPlace));
  expect(objects()).toEqual([FORMER, 'users/contexts/app.zip']);
});

it('an image that comes to use an object in place leaves nothing in its bucket', async () => {
  await created();
  artifacts.objects.add('users/contexts/app.zip');
  await complete(update(IN_PLACE));
  expect(objects()).toEqual(['users/contexts/app.zip']);
});

it.each([
  ['stays in its bucket keeps what it has there', { ArtifactKey: 'agent/4567.zip' }, PROPERTIES, [FORMER, 'artifacts/agent/4567.zip']],
  ['had properties of no use is left alone', { MemoryMib: '512' }, { ArtifactBucket: 'next' }, [FORMER]],
])('an image that %s', async (_, change, old, left) => {
  await created();
  expect(await complete(update(change, 'request-2', old))).toMatchObject({ ImageArn: `${ARN}agent`, ImageVersion: '2.0' });
  expect(objects()).toEqual(left);
});
