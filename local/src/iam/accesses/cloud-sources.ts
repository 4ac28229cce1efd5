import type { AccessSources } from './access-sources';
import { asList, asMembers, asString } from './access-sources';
import type { ApiService } from '../../api';
import type { Services } from '../../services/services';

/** As far as authorisation looks at the MicroVMs. */
export interface MicrovmSources extends ApiService {
  list(): { readonly microvms: readonly { readonly microvmId: string; readonly imageArn: string }[] };
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
    imageOf: (id) => microvms.list().microvms.find(({ microvmId }) => microvmId === id)?.imageArn,
    tagsOf: (arn) => tagsOf(microvms, arn),
    hasObject: (bucket, key) => !buckets.hasBucket(bucket) || buckets.bucket(bucket).objects.has(key),
    partitionKey: async (TableName) => {
      const { Table } = await dynamodb.call('DescribeTable', { TableName }).catch(() => ({ Table: undefined }));
      const key = asList(asMembers(Table).KeySchema).map(asMembers).find(({ KeyType }) => KeyType === 'HASH');
      return key && asString(key.AttributeName);
    },
  };
}

async function tagsOf(microvms: ApiService, arn: string): Promise<Readonly<Record<string, string>>> {
  if (!/:(?:microvm-image|network-connector):/.test(arn)) return {};
  const path = `/2017-03-31/tags/${encodeURIComponent(arn)}`;
  const request = { method: 'GET', path, query: new URLSearchParams(), headers: {}, body: Buffer.alloc(0), accessKeyId: '' };
  const { status, body } = await microvms.handle(request);
  if (status !== 200) return {};
  const tags = Object.entries(asMembers(asMembers(JSON.parse(String(body))).Tags));
  return Object.fromEntries(tags.map(([name, value]) => [name, asString(value)]));
}
