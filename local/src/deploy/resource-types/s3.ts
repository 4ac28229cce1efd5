import type { Bucket } from '../../services/s3/bucket-store';
import { optionalString, record, records, requiredString } from '../properties';
import type { Properties } from '../properties';
import type { ResourceType } from '../resource-type';
import { generatedName, unlessGone } from '../resource-type';

export const bucket: ResourceType = {
  createOnly: ['BucketName'],
  name: 'BucketName',
  create(properties, context) {
    const name = optionalString(properties, 'BucketName') ?? generatedName(context, 63).toLowerCase();
    const { buckets } = context.services;
    if (buckets.hasBucket(name) && context.adopts(name)) buckets.bucket(name).tags = tagsOf(properties);
    else buckets.createBucket(name, tagsOf(properties));
    applyVersioning(buckets.bucket(name), properties);
    return { physicalId: name, attributes: attributesOf(name, context.region) };
  },
  update(resource, properties, { services }) {
    const live = services.buckets.bucket(resource.physicalId);
    live.tags = tagsOf(properties);
    applyVersioning(live, properties);
    return resource;
  },
  async delete({ physicalId }, _, { services }) {
    await unlessGone(['NoSuchBucket'], () => services.buckets.deleteBucket(physicalId));
  },
};

export const bucketPolicy: ResourceType = {
  createOnly: ['Bucket'],
  create(properties, { services }) {
    const name = requiredString(properties, 'Bucket');
    const holder = services.buckets.bucket(name);
    if (holder.policy !== undefined) throw new Error(`The bucket policy already exists on bucket ${name}.`);
    holder.policy = JSON.stringify(record(properties, 'PolicyDocument'));
    return { physicalId: name, attributes: {} };
  },
  update(resource, properties, { services }) {
    services.buckets.bucket(resource.physicalId).policy = JSON.stringify(record(properties, 'PolicyDocument'));
    return resource;
  },
  async delete({ physicalId }, _, { services }) {
    await unlessGone(['NoSuchBucket'], () => {
      services.buckets.bucket(physicalId).policy = undefined;
    });
  },
};

/** A bucket that once kept versions can only pause. */
function applyVersioning(live: Bucket, properties: Properties): void {
  const status = optionalString(record(properties, 'VersioningConfiguration'), 'Status');
  if (status === 'Enabled' || status === 'Suspended') live.versioning = status;
  else if (live.versioning !== undefined) live.versioning = 'Suspended';
}

function tagsOf(properties: Properties): Record<string, string> {
  return Object.fromEntries(records(properties, 'Tags').map((tag) => [requiredString(tag, 'Key'), requiredString(tag, 'Value')]));
}

function attributesOf(name: string, region: string): Record<string, string> {
  return {
    Arn: `arn:aws:s3:::${name}`,
    DomainName: `${name}.s3.amazonaws.com`,
    RegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
    DualStackDomainName: `${name}.s3.dualstack.${region}.amazonaws.com`,
  };
}
