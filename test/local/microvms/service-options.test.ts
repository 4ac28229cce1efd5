import { GetMicrovmCommand, LambdaMicrovmsClient } from '@aws-sdk/client-lambda-microvms';
import { startLocalCloud } from '../../../local/src';
import { unsupportedRegion } from '../../../local/src/microvms/wire/errors';

const UNKNOWN = 'microvm-00000000-0000-0000-0000-000000000000';

test('the local cloud hands its options for the MicroVMs on', async () => {
  await using cloud = await startLocalCloud({ isolation: 'processes', quotas: { rates: { GetMicrovm: 1 } } });
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = cloud.environment;
  const client = new LambdaMicrovmsClient({
    endpoint: cloud.endpoint, region: 'us-east-1', credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1,
  });
  const get = () => client.send(new GetMicrovmCommand({ microvmIdentifier: UNKNOWN }));
  await expect(get()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await expect(get()).rejects.toMatchObject({ name: 'ThrottlingException' });
  client.destroy();
});

test.each([
  [{ timeScale: -1 }, 'timeScale: -1'],
  [{ quotas: { memoryMib: 0.5 } }, 'quotas.memoryMib: 0.5'],
  [{ memoryCounting: 'all' }, 'memoryCounting: "all" is none of baseline, peak'],
  [{ suspendedExpiry: 'never' }, 'suspendedExpiry: "never" is none of exact, lazy'],
])('the local cloud fails to start with %j', async (options, message) => {
  await expect(startLocalCloud(options as object)).rejects.toThrow(message);
});

test('another Region gets an error without words', () => {
  expect(unsupportedRegion()).toMatchObject({
    status: 403, headers: { 'x-amzn-errortype': 'AccessDeniedException' }, body: '{"message":null}',
  });
});
