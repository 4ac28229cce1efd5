import type { AccessSources } from './access-sources';
import { asList, asMembers, asString } from './access-sources';
import type { Services } from '../../services/services';

/** As far as authorisation looks at the MicroVMs. */
export interface MicrovmSources {
  imageOf(microvmId: string): { readonly imageArn: string } | undefined;
  tagsOf(imageArn: string): Readonly<Record<string, string>> | undefined;
}

export interface CloudSourcesOptions {
  readonly account: string;
  readonly region: string;
  readonly services: Pick<Services, 'buckets' | 'dynamodb'>;
  readonly microvms: MicrovmSources;
}

/** What the services of a cloud know. */
export function cloudSources({ account, region, services, microvms }: CloudSourcesOptions): AccessSources {
  const { buckets, dynamodb } = services;
  return {
    account,
    region,
    imageOf: (id) => microvms.imageOf(id)?.imageArn,
    tagsOf: (arn) => microvms.tagsOf(arn) ?? {},
    hasObject: (bucket, key) => !buckets.hasBucket(bucket) || buckets.bucket(bucket).objects.has(key),
    partitionKey: async (TableName) => {
      const { Table } = await dynamodb.call('DescribeTable', { TableName }).catch(() => ({ Table: undefined }));
      const key = asList(asMembers(Table).KeySchema).map(asMembers).find(({ KeyType }) => KeyType === 'HASH');
      return key && asString(key.AttributeName);
    },
  };
}
