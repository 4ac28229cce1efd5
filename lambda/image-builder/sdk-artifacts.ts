import { CopyObjectCommand, DeleteObjectsCommand, HeadObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import type { ArtifactStore, ObjectLocation } from './artifacts';

/** S3 through the AWS SDK. */
export class SdkArtifacts implements ArtifactStore {
  constructor(private readonly client: S3Client) {}

  async exists({ bucket, key }: ObjectLocation): Promise<boolean> {
    try {
      await this.client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
      return true;
    } catch (error) {
      // S3 answers 403 for a missing object to who may not list the whole bucket. A true denial shows at the copy that follows.
      const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
      if (status === 404 || status === 403) return false;
      throw error;
    }
  }

  async copy(from: ObjectLocation, to: ObjectLocation): Promise<void> {
    await this.client.send(new CopyObjectCommand({
      Bucket: to.bucket,
      Key: to.key,
      CopySource: `${from.bucket}/${from.key.split('/').map(encodeURIComponent).join('/')}`,
      // Copying the tags of the source, the default, would need rights on tags.
      TaggingDirective: 'REPLACE',
    }));
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
