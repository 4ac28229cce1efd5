import {
  CopyObjectCommand, DeleteObjectsCommand, HeadObjectCommand, paginateListObjectsV2, PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import type { ArtifactStore, ObjectLocation, Presence, SourceObject } from './artifacts';

/** S3 through the AWS SDK. */
export class SdkArtifacts implements ArtifactStore {
  constructor(private readonly client: S3Client) {}

  async find({ bucket, key }: ObjectLocation): Promise<Presence> {
    try {
      await this.client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
      return 'there';
    } catch (error) {
      // The SDK's errors tell their HTTP status here.
      const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
      if (status === 404) return 'missing';
      if (status === 403) return 'hidden';
      throw error;
    }
  }

  async copy(from: SourceObject, to: ObjectLocation): Promise<void> {
    const version = from.version === undefined ? '' : `?versionId=${encodeURIComponent(from.version)}`;
    await this.client.send(new CopyObjectCommand({
      Bucket: to.bucket,
      Key: to.key,
      CopySource: `${from.bucket}/${from.key.split('/').map(encodeURIComponent).join('/')}${version}`,
      // Copying the tags of the source, the default, would need rights on tags.
      TaggingDirective: 'REPLACE',
    }));
  }

  async put({ bucket, key }: ObjectLocation, body: Uint8Array): Promise<void> {
    await this.client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: 'application/zip' }));
  }

  async deleteAll(bucket: string, prefix: string): Promise<void> {
    try {
      const pages = paginateListObjectsV2({ client: this.client }, { Bucket: bucket, Prefix: prefix });
      for await (const { Contents = [] } of pages) {
        const Objects = Contents.flatMap(({ Key }) => (Key === undefined ? [] : { Key }));
        if (Objects.length > 0) await this.deleteSome(bucket, Objects);
      }
    } catch (error) {
      if ((error as Error).name !== 'NoSuchBucket') throw error;
    }
  }

  private async deleteSome(bucket: string, objects: { Key: string }[]): Promise<void> {
    const deletion = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: objects, Quiet: true } });
    const { Errors = [] } = await this.client.send(deletion);
    if (Errors.length > 0) {
      throw new Error(`Cannot delete ${Errors.length} artifacts from ${bucket}; the first, ${Errors[0]?.Key}: ${Errors[0]?.Code}.`);
    }
  }
}
