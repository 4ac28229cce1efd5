import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaMicrovmsClient } from '@aws-sdk/client-lambda-microvms';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { systemClock } from './clock';
import { parsePoolConfiguration } from './configuration';
import { DynamoTable } from './dynamo-table';
import type { Pool } from './pool';
import { SdkMicrovms } from './sdk-microvms';

/** Three attempts of at most this long fit into the time that an operation has. */
const attempts = (requestTimeout: number) => ({
  maxAttempts: 3,
  // Without `throwOnRequestTimeout` a request that hangs is only warned about.
  requestHandler: { connectionTimeout: 1000, requestTimeout, throwOnRequestTimeout: true },
});

/** The pool that this function's environment names, on the real services. */
export function sdkPool(environment: Readonly<Record<string, string | undefined>>): Pool {
  const configuration = parsePoolConfiguration(environment);
  const documents = DynamoDBDocumentClient.from(new DynamoDBClient(attempts(3000)), {
    marshallOptions: { removeUndefinedValues: true },
  });
  return {
    configuration,
    table: new DynamoTable(documents, configuration.tableName, systemClock),
    microvms: new SdkMicrovms(new LambdaMicrovmsClient(attempts(6000))),
    clock: systemClock,
  };
}
