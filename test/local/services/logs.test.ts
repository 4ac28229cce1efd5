import {
  CloudWatchLogsClient, CreateLogStreamCommand, DescribeLogStreamsCommand, FilterLogEventsCommand, GetLogEventsCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';

const logGroupName = '/aws/lambda-microvms/image';
let cloud: TestCloud;
let logs: CloudWatchLogsClient;

beforeAll(async () => {
  cloud = await startTestCloud();
  logs = new CloudWatchLogsClient(cloud.clientConfiguration);
  for (const [stream, message] of [['build', 'one'], ['run', 'two errors'], ['build', 'three']]) cloud.services.logs.write(logGroupName, stream, message);
});

afterAll(async () => {
  logs.destroy();
  await cloud.stop();
});

test('answers a stream\'s messages, the last ones or from the start in pages', async () => {
  const get = async (input: object) => {
    const { events, nextForwardToken } = await logs.send(new GetLogEventsCommand({ logGroupName, logStreamName: 'build', ...input }));
    return { messages: events?.map(({ message }) => message), nextToken: nextForwardToken };
  };
  expect((await get({ limit: 1 })).messages).toEqual(['three']);
  const first = await get({ limit: 1, startFromHead: true });
  const second = await get({ limit: 1, nextToken: first.nextToken });
  const third = await get({ limit: 1, nextToken: second.nextToken });
  expect([first.messages, second.messages, third.messages]).toEqual([['one'], ['three'], []]);
  expect(third.nextToken).toBe(second.nextToken);
});

test('finds messages by words over all streams', async () => {
  const { events } = await logs.send(new FilterLogEventsCommand({ logGroupName, filterPattern: '"two errors"' }));
  expect(events).toMatchObject([{ message: 'two errors', logStreamName: 'run' }]);
  await expect(logs.send(new FilterLogEventsCommand({ logGroupName, filterPattern: '{ $.level = "x" }' })))
    .rejects.toMatchObject({ name: 'InvalidParameterException' });
});

test('takes messages through the API', async () => {
  await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName: 'api' }));
  await logs.send(new PutLogEventsCommand({ logGroupName, logStreamName: 'api', logEvents: [{ timestamp: 5, message: 'put' }] }));
  const { logStreams } = await logs.send(new DescribeLogStreamsCommand({ logGroupName, logStreamNamePrefix: 'a' }));
  expect(logStreams).toMatchObject([{ logStreamName: 'api', lastEventTimestamp: 5 }]);
});

test('fails for a group that is not there', async () => {
  await expect(logs.send(new GetLogEventsCommand({ logGroupName: 'none', logStreamName: 'x' })))
    .rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('does not count a group that only came into being by a write as declared', () => {
  cloud.services.logs.createGroup('/made');
  expect(cloud.services.logs.declaredGroups()).toEqual(['/made']);
});
