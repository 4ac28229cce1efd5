import { RemovalPolicy } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { ImageCloud, type SmallStack } from './image-stacks';

let images: ImageCloud;
beforeAll(async () => {
  images = await ImageCloud.start();
}, 60_000);
afterAll(() => images.stop());

type ImageProps = NonNullable<SmallStack['image']>;

const stackName = 'Moving';
const plain: ImageProps = () => ({});
const withKey: ImageProps = (stack) => ({ encryptionKey: new Key(stack, 'Key', { removalPolicy: RemovalPolicy.DESTROY }) });
const inBucket = (id: string): ImageProps => (stack) => ({
  // In the stack as long as it is used; without autoDeleteObjects it goes only when it is empty.
  artifactBucket: new Bucket(stack, id, { removalPolicy: RemovalPolicy.DESTROY }),
});
const failures = (image: ImageProps, more: Partial<SmallStack> = {}) => (
  images.failures(stackName, () => images.deploy({ stackName, image, ...more }))
);
/** How many objects each bucket of the image holds. */
const inBuckets = () => Object.values(images.cloud.inventory().buckets).map(({ length }) => length);

/** From where it is to here, without a bucket that is left behind. */
test.each<[string, ImageProps]>([
  ['comes to the shared bucket', plain],
  ['gets a key', withKey],
  ['gets a bucket of the user', inBucket('Mine')],
  ['gets another bucket of the user', inBucket('Other')],
  ['gets a key in the place of a bucket', withKey],
  ['loses its key', plain],
])('an image that %s leaves no bucket behind', async (_, image) => {
  expect(await failures(image)).toEqual([]);
  expect(inBuckets()).toEqual([1]);
}, 60_000);

test.each<[string, ImageProps]>([['a key', withKey], ['a bucket of the user', inBucket('Mine')]])(
  'an image that gets %s goes back to its bucket when something else fails, and leaves none behind', async (_, image) => {
    expect(await failures(image, { withFailure: true })).toEqual([expect.stringContaining('Type must be String')]);
    expect(inBuckets()).toHaveLength(1);
  }, 60_000,
);

test('an image that does not build from a bucket goes back to the former, and leaves none behind', async () => {
  images.cloud.faults.failBuild({ image: stackName, reason: 'INTERNAL_PLATFORM_ERROR', log: ['broken'] });
  expect(await failures(withKey)).toEqual([expect.stringContaining('INTERNAL_PLATFORM_ERROR')]);
  expect(inBuckets()).toHaveLength(1);
}, 60_000);

test('all of this was allowed, and a stack that is deleted leaves none behind', async () => {
  expect(images.cloud.denials).toEqual([]);
  expect(await images.failures(stackName, () => images.cloud.destroy(stackName))).toEqual([]);
  expect(inBuckets()).toEqual([]);
}, 60_000);
