import { join } from 'node:path';
import { App, CfnOutput, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import {
  AwsCustomResource, AwsCustomResourcePolicy, PhysicalResourceId, PhysicalResourceIdReference,
} from 'aws-cdk-lib/custom-resources';
import { ImageSource, MemorySize, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';

const OBJECT_KEY = 'contexts/app.zip';

/** Images of an asset, of an object where it lies, and of a version of an object that is known at the deployment only. */
const stack = new Stack(new App(), 'IntegImageSources');
const asset = new Asset(stack, 'Context', { path: join(__dirname, 'integ.own-dockerfile.context') });
const sources = {
  Asset: ImageSource.asset(asset),
  ObjectInPlace: ImageSource.bucket(asset.bucket, asset.s3ObjectKey),
  ObjectVersion: versionOfObject(),
};
for (const [id, source] of Object.entries(sources)) {
  const image = new SandboxImage(stack, id, { source, memory: MemorySize.MIB_512, environment: { GREETING: id } });
  const pool = new SandboxPool(stack, `${id}Pool`, { image });
  new CfnOutput(stack, id === 'Asset' ? 'SandboxPool' : `${id}SandboxPool`, { value: pool.allocatorArn });
}

/** What a pipeline puts into a bucket before it deploys. Here the deployment copies the asset. */
function versionOfObject(): ImageSource {
  const bucket = new s3.Bucket(stack, 'Bucket', { versioned: true, enforceSSL: true, removalPolicy: RemovalPolicy.DESTROY });
  const object = { Bucket: bucket.bucketName, Key: OBJECT_KEY };
  const copy = {
    service: 'S3',
    action: 'copyObject',
    parameters: { ...object, CopySource: `${asset.s3BucketName}/${asset.s3ObjectKey}` },
    physicalResourceId: PhysicalResourceId.fromResponse('VersionId'),
  };
  const upload = new AwsCustomResource(stack, 'Upload', {
    resourceType: 'Custom::Upload',
    installLatestAwsSdk: false,
    onCreate: copy,
    onUpdate: copy,
    onDelete: { service: 'S3', action: 'deleteObject', parameters: { ...object, VersionId: new PhysicalResourceIdReference() } },
    policy: AwsCustomResourcePolicy.fromSdkCalls({ resources: [bucket.arnForObjects(OBJECT_KEY)] }),
  });
  asset.grantRead(upload);
  bucket.grantPut(upload, OBJECT_KEY);
  bucket.grantDelete(upload, OBJECT_KEY);
  return ImageSource.bucket(bucket, OBJECT_KEY, { objectVersion: upload.getResponseField('VersionId') });
}
