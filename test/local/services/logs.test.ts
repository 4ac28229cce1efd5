import {
  CloudWatchLogsClient, CreateLogGroupCommand, CreateLogStreamCommand, DeleteLogStreamCommand,
  DescribeLogGroupsCommand, DescribeLogStreamsCommand, FilterLogEventsCommand, GetLogEventsCommand,
  PutLogEventsCommand, PutRetentionPolicyCommand, paginateDescribeLogGroups, paginateDescribeLogStreams,
  paginateFilterLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import { LogsService } from '../../../local/src/services/cloudwatch-logs/logs-service';
import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';

const HOUR = 3_600_000;
const logGroupName = '/aws/lambda-microvms/image';
let cloud: TestCloud;
let logs: CloudWatchLogsClient;
let start: number;

beforeAll(async () => {
  cloud = await startTestCloud();
  start = cloud.clock.now();
  logs = new CloudWatchLogsClient(cloud.clientConfiguration);
  const written = [['build', 'one', 1], ['run', 'two errors', 2], ['build', 'four', 4], ['build', 'three', 3]] as const;
  for (const [stream, message, offset] of written) {
    cloud.services.logs.write(logGroupName, stream, message, start + offset);
  }
});

afterAll(async () => {
  logs.destroy();
  await cloud.stop();
});

const get = async (input: object) => {
  const answer = await logs.send(new GetLogEventsCommand({ logGroupName, logStreamName: 'build', ...input }));
  return { ...answer, messages: answer.events?.map(({ message }) => message) };
};
const filter = async (input: object) => {
  const { events } = await logs.send(new FilterLogEventsCommand({ logGroupName, ...input }));
  return events?.map(({ message }) => message);
};

/** A stream of its own in the group. */
async function newStream(logStreamName: string) {
  await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
  return (logEvents: { timestamp: number; message: string }[]) => {
    return logs.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
  };
}

describe('reading a stream', () => {
  test('goes forwards from the start in pages by time, until the token stays the same', async () => {
    const first = await get({ limit: 2, startFromHead: true });
    const second = await get({ limit: 2, nextToken: first.nextForwardToken });
    const third = await get({ limit: 2, nextToken: second.nextForwardToken });
    expect([first.messages, second.messages, third.messages]).toEqual([['one', 'three'], ['four'], []]);
    expect(third.nextForwardToken).toBe(second.nextForwardToken);
  });

  test('begins with the last events and goes backwards', async () => {
    const last = await get({ limit: 1 });
    const before = await get({ limit: 1, nextToken: last.nextBackwardToken });
    const again = await get({ limit: 5, nextToken: before.nextForwardToken });
    expect([last.messages, before.messages, again.messages]).toEqual([['four'], ['three'], ['four']]);
    expect((await get({ limit: 5, nextToken: before.nextBackwardToken })).messages).toEqual(['one']);
  });

  test('takes events from the start time on, before the end time', async () => {
    expect((await get({ startTime: start + 3, endTime: start + 4, startFromHead: true })).messages).toEqual(['three']);
    const [event] = (await get({ startTime: start + 3 })).events ?? [];
    expect(event).toMatchObject({ timestamp: start + 3, ingestionTime: expect.any(Number) });
  });

  test('of a stream that was empty goes on with what comes later', async () => {
    const put = await newStream('empty');
    const { nextForwardToken, messages } = await get({ logStreamName: 'empty' });
    await put([{ timestamp: cloud.clock.now(), message: 'late' }]);
    expect([messages, (await get({ logStreamName: 'empty', nextToken: nextForwardToken })).messages]).toEqual([[], ['late']]);
  });

  test('answers at most 1 MiB at once', async () => {
    const put = await newStream('large');
    const timestamp = cloud.clock.now();
    for (const letter of ['a', 'b']) await put([{ timestamp, message: letter.repeat(600_000) }]);
    const first = await get({ logStreamName: 'large', startFromHead: true });
    const second = await get({ logStreamName: 'large', nextToken: first.nextForwardToken });
    expect([first, second].map(({ messages }) => messages?.map((message) => message?.[0]))).toEqual([['a'], ['b']]);
  });

  test.each([
    ['a group that is not there', { logGroupName: 'none' }, 'ResourceNotFoundException', 'The specified log group does not exist.'],
    ['a stream that is not there', { logStreamName: 'none' }, 'ResourceNotFoundException', 'The specified log stream does not exist.'],
    ['a limit of 0', { limit: 0 }, 'InvalidParameterException', 'greater than or equal to 1'],
    ['a limit past 10 000', { limit: 10_001 }, 'InvalidParameterException', 'less than or equal to 10000'],
    ['a token that is none', { nextToken: 'x' }, 'InvalidParameterException', 'The specified nextToken is invalid.'],
    ['a group\'s name that cannot be', { logGroupName: 'a b' }, 'InvalidParameterException', 'logGroupName'],
  ])('fails for %s', async (_, input, name, message) => {
    await expect(get(input)).rejects.toMatchObject({ name, message: expect.stringContaining(message) });
  });
});

describe('filtering', () => {
  test('finds messages by words over all streams', async () => {
    const { events } = await logs.send(new FilterLogEventsCommand({ logGroupName, filterPattern: '"two errors"' }));
    expect(events).toMatchObject([{ message: 'two errors', logStreamName: 'run' }]);
    expect(await filter({ filterPattern: 'errors two' })).toEqual(['two errors']);
  });

  test('goes through all streams by time, in pages', async () => {
    const messages: unknown[] = [];
    const pages = paginateFilterLogEvents({ client: logs, pageSize: 3 }, { logGroupName, endTime: start + 4 });
    for await (const { events } of pages) messages.push(events?.map(({ message }) => message));
    expect(messages).toEqual([['one', 'two errors', 'three'], ['four']]);
  });

  test('takes only the streams that were asked for, by name or by prefix, and the end time too', async () => {
    expect(await filter({ logStreamNames: ['build'], startTime: start + 3, endTime: start + 4 })).toEqual(['three', 'four']);
    expect(await filter({ logStreamNamePrefix: 'r' })).toEqual(['two errors']);
  });

  test.each([
    ['a JSON pattern', { filterPattern: '{ $.level = "x" }' }, 'InvalidParameterException'],
    ['an excluded word', { filterPattern: '-without' }, 'InvalidParameterException'],
    ['names beside a prefix', { logStreamNames: ['build'], logStreamNamePrefix: 'b' }, 'InvalidParameterException'],
    ['more than 100 streams', { logStreamNames: Array.from({ length: 101 }, () => 'build') }, 'InvalidParameterException'],
    ['a stream that is not there', { logStreamNames: ['none'] }, 'ResourceNotFoundException'],
  ])('fails for %s', async (_, input, name) => {
    await expect(filter(input)).rejects.toMatchObject({ name });
  });
});

describe('putting events', () => {
  test('keeps them in a stream that was made before', async () => {
    const put = await newStream('api');
    const timestamp = cloud.clock.now();
    expect((await put([{ timestamp, message: 'put' }])).rejectedLogEventsInfo).toBeUndefined();
    const { logStreams } = await logs.send(new DescribeLogStreamsCommand({ logGroupName, logStreamNamePrefix: 'ap' }));
    expect(logStreams).toMatchObject([{ logStreamName: 'api', firstEventTimestamp: timestamp, lastEventTimestamp: timestamp }]);
    const again = logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName: 'api' }));
    await expect(again).rejects.toMatchObject({ name: 'ResourceAlreadyExistsException', message: 'The specified log stream already exists' });
  });

  test('leaves out what is too old or too new, and says which', async () => {
    const put = await newStream('times');
    const now = cloud.clock.now();
    const old = await put([{ timestamp: now - 14 * 24 * HOUR - 1, message: 'old' }, { timestamp: now - 14 * 24 * HOUR + HOUR, message: 'kept' }]);
    expect(old.rejectedLogEventsInfo).toEqual({ tooOldLogEventEndIndex: 1 });
    const early = await put([{ timestamp: now, message: 'now' }, { timestamp: now + 3 * HOUR, message: 'early' }]);
    expect(early.rejectedLogEventsInfo).toEqual({ tooNewLogEventStartIndex: 1 });
    expect((await get({ logStreamName: 'times' })).messages).toEqual(['kept', 'now']);
  });

  test.each([
    ['no events', [], '1 to 10000'],
    ['an empty message', [{ timestamp: 0, message: '' }], 'logEvents.1.message'],
    ['events out of order', [{ timestamp: 2, message: 'b' }, { timestamp: 1, message: 'a' }], 'in chronological order'],
    ['a span of more than a day', [{ timestamp: 0, message: 'a' }, { timestamp: 24 * HOUR + 1, message: 'b' }], 'cannot span more than 24 hours'],
    ['more than 1 MiB', [{ timestamp: 0, message: 'a'.repeat(1024 ** 2 - 25) }], 'Upload too large: 1048577 bytes exceeds limit of 1048576'],
  ])('fails for %s', async (_, logEvents, message) => {
    await expect(logs.send(new PutLogEventsCommand({ logGroupName, logStreamName: 'build', logEvents })))
      .rejects.toMatchObject({ name: 'InvalidParameterException', message: expect.stringContaining(message) });
  });

  test('fails for a stream that nobody made', async () => {
    await expect(logs.send(new PutLogEventsCommand({ logGroupName, logStreamName: 'unmade', logEvents: [{ timestamp: start, message: 'a' }] })))
      .rejects.toMatchObject({ name: 'ResourceNotFoundException', message: 'The specified log stream does not exist.' });
  });
});

describe('groups and streams', () => {
  test('are listed in pages, by name', async () => {
    for (let index = 0; index < 52; index += 1) cloud.services.logs.createGroup(`/many/${String(index).padStart(2, '0')}`);
    const pages: (string | undefined)[][] = [];
    for await (const { logGroups = [] } of paginateDescribeLogGroups({ client: logs }, { logGroupNamePrefix: '/many/' })) {
      pages.push(logGroups.map((group) => group.logGroupName));
    }
    expect(pages.map(({ length }) => length)).toEqual([50, 2]);
    expect(pages[1]).toEqual(['/many/50', '/many/51']);
    const { logGroups } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePattern: 'MICROVMS/im' }));
    expect(logGroups).toMatchObject([{ logGroupName, arn: `arn:aws:logs:us-east-1:000000000000:log-group:${logGroupName}:*`, creationTime: expect.any(Number) }]);
  });

  test('streams are listed in pages, by name or by their last event', async () => {
    const group = '/streams';
    for (const [stream, time] of [['a', 3], ['b', 1], ['c', 2]] as const) cloud.services.logs.write(group, stream, 'x', start + time);
    const names = async (input: object) => {
      const all: (string | undefined)[][] = [];
      const pages = paginateDescribeLogStreams({ client: logs, pageSize: 2 }, { logGroupName: group, ...input });
      for await (const { logStreams = [] } of pages) {
        all.push(logStreams.map(({ logStreamName }) => logStreamName));
      }
      return all;
    };
    expect(await names({})).toEqual([['a', 'b'], ['c']]);
    expect(await names({ orderBy: 'LastEventTime', descending: true })).toEqual([['a', 'c'], ['b']]);
    await expect(names({ orderBy: 'LastEventTime', logStreamNamePrefix: 'a' })).rejects.toMatchObject({ name: 'InvalidParameterException' });
    await logs.send(new DeleteLogStreamCommand({ logGroupName: group, logStreamName: 'a' }));
    expect(await names({})).toEqual([['b', 'c']]);
  });

  test('fails to make a group that is there, also by a first write, and one with a name that cannot be', async () => {
    const create = (name: string) => logs.send(new CreateLogGroupCommand({ logGroupName: name }));
    await create('/made');
    for (const name of ['/made', logGroupName]) {
      await expect(create(name)).rejects.toMatchObject({ name: 'ResourceAlreadyExistsException', message: 'The specified log group already exists' });
    }
    await expect(create('a:b')).rejects.toMatchObject({ name: 'InvalidParameterException' });
  });

  test('fails for a retention that CloudWatch does not offer', async () => {
    cloud.services.logs.createGroup('/retained', 7);
    await expect(logs.send(new PutRetentionPolicyCommand({ logGroupName: '/retained', retentionInDays: 8 })))
      .rejects.toMatchObject({ name: 'InvalidParameterException', message: expect.stringContaining('got 8') });
    const { logGroups } = await logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: '/retained' }));
    expect(logGroups).toMatchObject([{ retentionInDays: 7 }]);
  });

  test('counts only groups that somebody made as declared, and knows the others', () => {
    const service = new LogsService(cloud.clock, cloud);
    service.createGroup('/made');
    service.write('/written', 'stream', 'message');
    expect(service.declaredGroups()).toEqual(['/made']);
    expect(['/made', '/written', '/none'].map((name) => service.hasGroup(name))).toEqual([true, true, false]);
  });

  test('are there after a restart, with their events and times', () => {
    const before = new LogsService(cloud.clock, cloud);
    before.createGroup('/made', 7);
    before.write('/made', 'stream', 'message', 5);
    const after = new LogsService(cloud.clock, cloud);
    after.restore(JSON.parse(JSON.stringify(before.save())));
    expect(after.save()).toEqual(before.save());
    expect(after.messages('/made')).toEqual(['message']);
  });
});
