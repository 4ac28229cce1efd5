import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { App, CfnParameter, FileSystem, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as s3Assets from 'aws-cdk-lib/aws-s3-assets';
import { ImageSource, SandboxImage } from 'cdk-microvm-sandbox';
import type { SandboxImageProps } from 'cdk-microvm-sandbox';
import { directoryWith } from './directories';
import { newStack, propertiesOf, statementsOf } from './synthesized';

const IMAGE = 'Custom::MicrovmSandboxImage';
const BUILDER = 'MicrovmSandboxImageBuilderRole';

function imageOf(stack: Stack, source: ImageSource, props: SandboxImageProps = {}) {
  const image = new SandboxImage(stack, 'Image', { imageName: 'mine', source, ...props });
  return { image, properties: () => propertiesOf(stack, IMAGE) };
}

const granted = (stack: Stack, role: string, action: string) => (
  statementsOf(stack, role).filter(({ Action }) => Action.includes(action)).flatMap(({ Resource }) => Resource)
);

test('a context that is put together is staged, and the temporary one is removed', () => {
  const contexts = jest.spyOn(FileSystem, 'mkdtemp');
  imageOf(newStack(), ImageSource.sandbox());
  const [made] = contexts.mock.results.map(({ value }) => value as string);
  contexts.mockRestore();
  expect(made).toContain('microvm-sandbox-image-');
  expect(existsSync(made)).toBe(false);
});

describe('ImageSource.asset', () => {
  test('takes a directory or a zip, whose hash is in the artifact key', () => {
    for (const path of [directoryWith({ Dockerfile: 'FROM scratch' }), join(directoryWith({ 'context.zip': 'PK' }), 'context.zip')]) {
      const stack = newStack();
      const asset = new s3Assets.Asset(stack, 'Asset', { path });
      const { image, properties } = imageOf(stack, ImageSource.asset(asset));

      expect(properties()).toMatchObject({
        SourceKey: asset.s3ObjectKey, ArtifactKey: `mine/${asset.assetHash}.zip`, ArtifactBucket: '<MicrovmSandboxArtifacts>',
      });
      expect([image.daemonPort, image.hookPort]).toEqual([undefined, undefined]);
    }
  });

  test('fails on a single file that is no zip', () => {
    const path = join(directoryWith({ Dockerfile: 'FROM scratch' }), 'Dockerfile');
    const asset = new s3Assets.Asset(newStack(), 'Asset', { path });
    expect(() => ImageSource.asset(asset)).toThrow(/ImageSource.asset: the asset is a single file, and not a .zip; make .*\[at Stack\/Asset\]/);
  });
});

describe('ImageSource.bucket without a version', () => {
  test('uses the object where it lies: nothing is copied, written or deleted, and the build reads this one object', () => {
    const stack = newStack();
    const bucket = s3.Bucket.fromBucketName(stack, 'Bucket', 'theirs');
    const { image, properties } = imageOf(stack, ImageSource.bucket(bucket, 'contexts/app.zip'));

    expect(properties()).toMatchObject({ ArtifactBucket: 'theirs', ArtifactKey: 'contexts/app.zip' });
    expect(Object.keys(properties()).filter((name) => name.startsWith('Source'))).toEqual([]);
    expect(granted(stack, 'ImageBuildRole', 's3:GetObject')).toEqual(['arn:aws:s3:::theirs/contexts/app.zip']);
    expect(granted(stack, BUILDER, 's3:GetObject')).toEqual(['arn:aws:s3:::theirs/contexts/app.zip']);
    expect(statementsOf(stack, BUILDER).flatMap(({ Action }) => Action).filter((action) => /^s3:(Put|Delete|List)/.test(action))).toEqual([]);
    Template.fromStack(stack).resourceCountIs('AWS::S3::Bucket', 0);
    expect(image.artifactBucket).toBe(bucket);
  });

  test('warns that a change under the same key is not seen', () => {
    const stack = newStack();
    imageOf(stack, ImageSource.bucket(s3.Bucket.fromBucketName(stack, 'Bucket', 'theirs'), 'app.zip'));
    Annotations.fromStack(stack).hasWarning('/Stack/Image', Match.stringLikeRegexp('same key is not seen.*sourceObjectWithoutVersion'));
  });

  test('lets the build decrypt with the key of the bucket', () => {
    const stack = newStack();
    const bucket = new s3.Bucket(stack, 'Bucket', { encryptionKey: new kms.Key(stack, 'Key') });
    imageOf(stack, ImageSource.bucket(bucket, 'app.zip'));
    expect(statementsOf(stack, 'ImageBuildRole')[0]).toEqual({ Action: ['kms:Decrypt'], Resource: ['arn:<Key.Arn>'] });
  });

  test('fails together with an artifact bucket', () => {
    const stack = newStack();
    const bucket = s3.Bucket.fromBucketName(stack, 'Bucket', 'theirs');
    expect(() => imageOf(stack, ImageSource.bucket(bucket, 'app.zip'), { artifactBucket: bucket }))
      .toThrow('artifactBucket: an object of ImageSource.bucket() without version is used where it lies');
  });

  test('fails on a bucket of another Region, which a build cannot read', () => {
    const stack = newStack();
    const bucket = s3.Bucket.fromBucketAttributes(stack, 'Bucket', { bucketName: 'theirs', region: 'eu-west-1' });
    expect(() => imageOf(stack, ImageSource.bucket(bucket, 'app.zip')))
      .toThrow('ImageSource.bucket: the bucket is in eu-west-1, and a build reads from its own Region, us-east-1, only');
  });
});

describe('ImageSource.bucket with a version', () => {
  const versioned = (objectVersion: string, key = 'app.zip', bucketName = 'theirs') => {
    const stack = newStack();
    const bucket = s3.Bucket.fromBucketName(stack, 'Bucket', bucketName);
    return { stack, ...imageOf(stack, ImageSource.bucket(bucket, key, { objectVersion })) };
  };

  test('copies this version, which the builder may read and the build may not', () => {
    const { stack, properties } = versioned('v1');

    expect(properties()).toMatchObject({
      SourceBucket: 'theirs',
      SourceKey: 'app.zip',
      SourceObjectVersion: 'v1',
      ArtifactBucket: '<MicrovmSandboxArtifacts>',
      ArtifactKey: expect.stringMatching(/^mine\/[0-9a-f]{64}\.zip$/),
    });
    expect(granted(stack, BUILDER, 's3:GetObjectVersion')).toEqual(['arn:aws:s3:::theirs/app.zip']);
    expect(granted(stack, 'ImageBuildRole', 's3:GetObject')).toEqual([`arn:<MicrovmSandboxArtifacts.Arn>/${properties().ArtifactKey as string}`]);
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });

  test('has another artifact for another version, key or bucket, and the same for the same', () => {
    const keys = [['v1'], ['v2'], ['v1', 'b.zip'], ['v1', 'app.zip', 'ours']] as [string, ...string[]][];
    expect(new Set(keys.map((args) => versioned(...args).properties().ArtifactKey)).size).toBe(4);
    expect(versioned('v1').properties().ArtifactKey).toBe(versioned('v1').properties().ArtifactKey);
  });

  test('may be tokens, which then stand in the artifact key', () => {
    const stack = newStack();
    const [key, objectVersion] = ['Key', 'Version'].map((name) => new CfnParameter(stack, name).valueAsString);
    const bucket = s3.Bucket.fromBucketName(stack, 'Bucket', 'theirs');
    const { properties } = imageOf(stack, ImageSource.bucket(bucket, key, { objectVersion }));
    expect(properties().ArtifactKey).toMatch(/^mine\/[0-9a-f]{64}-<Version>-<Key>\.zip$/);
  });
});

describe('the key of ImageSource.bucket', () => {
  const bucketSource = (key: string, objectVersion?: string) => (
    ImageSource.bucket(s3.Bucket.fromBucketName(newStack(), 'Bucket', 'theirs'), key, { objectVersion })
  );

  test.each(['a', 'k'.repeat(1024), 'a b/c(1).zip'])('takes %s', (key) => {
    expect(() => bucketSource(key)).not.toThrow();
  });

  test.each(['', '/a.zip', 'k'.repeat(1025)])('fails on %j', (key) => {
    expect(() => bucketSource(key)).toThrow(`ImageSource.bucket: the key '${key}' must have 1 to 1024 characters and not begin with '/'`);
  });

  test.each(['contexts/*', 'app-?.zip'])('fails on %s, which IAM would read as a pattern', (key) => {
    expect(() => bucketSource(key)).toThrow(`ImageSource.bucket: the key '${key}' may not hold '*' and '?'; name one object`);
  });

  test.each(['', 'a b'])('fails on the version %j', (version) => {
    expect(() => bucketSource('a', version)).toThrow(`objectVersion '${version}' is not the version of an object`);
  });
});

describe('ImageSource.ecr', () => {
  const DIGEST = `sha256:${'ab'.repeat(32)}`;
  const REPOSITORY = 'arn:aws:ecr:us-east-1:123456789012:repository/app';

  test('builds on the image by its digest, and the build may pull from this repository alone', () => {
    const stack = newStack();
    const repository = ecr.Repository.fromRepositoryArn(stack, 'Repository', REPOSITORY);
    const { properties } = imageOf(stack, ImageSource.ecr(repository, DIGEST));

    expect(properties()).toMatchObject({
      SourceDockerfile: expect.stringMatching(new RegExp(`^FROM 123456789012\\.dkr\\.ecr\\.us-east-1\\.(<AWS::URLSuffix>|amazonaws\\.com)/app@${DIGEST}$`)),
      ArtifactKey: expect.stringMatching(new RegExp(`^mine/${'ab'.repeat(32)}-[0-9a-f]{8}\\.zip$`)),
    });
    expect(properties().SourceBucket).toBeUndefined();
    expect(statementsOf(stack, 'ImageBuildRole').slice(2)).toEqual([
      { Action: ['ecr:BatchCheckLayerAvailability', 'ecr:GetDownloadUrlForLayer', 'ecr:BatchGetImage'], Resource: [REPOSITORY] },
      { Action: ['ecr:GetAuthorizationToken'], Resource: ['*'] },
    ]);
    expect(granted(stack, BUILDER, 's3:GetObject')).toEqual(['arn:<MicrovmSandboxArtifacts.Arn>/mine/*']);
  });

  test('takes a repository of the stack and a digest that is known later', () => {
    const stack = newStack();
    const digest = new CfnParameter(stack, 'Digest').valueAsString;
    const { properties } = imageOf(stack, ImageSource.ecr(new ecr.Repository(stack, 'Repository'), digest));
    expect(properties().SourceDockerfile).toMatch(/^FROM .+@<Digest>$/);
    expect(properties().ArtifactKey).toMatch(/^mine\/<Digest>-[0-9a-f]{8}\.zip$/);
  });

  test.each(['latest', 'sha256:abc', `sha256:${'AB'.repeat(32)}`, 'ab'.repeat(32), `${DIGEST}0`])('fails on the digest %s', (digest) => {
    const repository = new ecr.Repository(newStack(), 'Repository');
    expect(() => ImageSource.ecr(repository, digest)).toThrow(`ImageSource.ecr: '${digest}' is not a digest; it is sha256: and 64 hexadecimal digits`);
  });

  test('fails on a repository of another account, and takes one whose account is not known', () => {
    const stack = newStack();
    const theirs = ecr.Repository.fromRepositoryArn(stack, 'Theirs', REPOSITORY.replace('123456789012', '999999999999'));
    expect(() => imageOf(stack, ImageSource.ecr(theirs, DIGEST)))
      .toThrow('ImageSource.ecr: the repository is of account 999999999999, and the platform pulls from its own account, 123456789012, only');

    const anywhere = new Stack(new App(), 'Anywhere');
    imageOf(anywhere, ImageSource.ecr(ecr.Repository.fromRepositoryArn(anywhere, 'Theirs', REPOSITORY), DIGEST));
  });
});
