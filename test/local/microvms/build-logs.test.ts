import { guest } from './guests';
import { describeNamespaces } from './isolations';
import { MicrovmCloud } from './microvm-cloud';
import { LocalClock } from '../../../local/src/clock';
import type { BuildFailure, MicrovmFaults } from '../../../local/src/faults/microvm-faults';
import { NO_FAULTS } from '../../../local/src/faults/microvm-faults';
import type { MicrovmServiceOptions } from '../../../local/src/microvms';
import { LogsService } from '../../../local/src/services/cloudwatch-logs/logs-service';

const clock = new LocalClock();
let logs: LogsService;
let cloud: MicrovmCloud | undefined;
afterEach(async () => {
  await cloud?.close();
  cloud = undefined;
});
afterAll(() => clock.stop());

async function build(dockerfile: string, options: Partial<MicrovmServiceOptions> = {}): Promise<string | undefined> {
  logs = new LogsService(clock, { account: '000000000000', region: 'us-east-1' });
  cloud = await new MicrovmCloud(options.isolation ?? 'processes', undefined, { logs, timeScale: 0, ...options }).open();
  const imageArn = await cloud.createImage('logged', guest('setInterval(() => 0, 1000);', dockerfile));
  return cloud.imageState(imageArn);
}

interface Found {
  readonly events: { readonly message: string; readonly logStreamName: string; readonly timestamp: number }[];
  readonly nextToken?: string;
}

async function filter(members: object): Promise<Found> {
  const body = Buffer.from(JSON.stringify({ logGroupName: '/aws/lambda-microvms/logged', ...members }));
  const headers = { 'x-amz-target': 'Logs_20140328.FilterLogEvents' };
  const answer = await logs.handle({ method: 'POST', path: '/', query: new URLSearchParams(), headers, body, accessKeyId: '' });
  return JSON.parse(String(answer.body)) as Found;
}

const today = () => new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '/');
const lines = async (version: string) => (
  (await filter({ logStreamNamePrefix: `${today()}[${version}]`, interleaved: true })).events.map(({ message }) => message)
);

const failing = (failure: Partial<BuildFailure>): MicrovmFaults => (
  { ...NO_FAULTS, buildFailure: () => ({ reason: 'The container image build failed.', log: [], chipsetGenerations: ['3', '4'], ...failure }) }
);

test('the log of a build is found by the prefix of its streams and by time, in one burst', async () => {
  const before = clock.now();
  expect(await build('FROM scratch\nCOPY guest.js /opt/guest.js\nCMD ["node", "/opt/guest.js"]\n')).toBe('CREATED');
  const { events } = await filter({ logStreamNamePrefix: `${today()}[0.0]`, startTime: before, interleaved: true });
  expect(events.at(-1)?.message).toBe('built logged version 1.0');
  expect(events.every(({ logStreamName }) => /^\d{4}\/\d\d\/\d\d\[0\.0\]microvm-[0-9a-f-]{36}$/.test(logStreamName))).toBe(true);
  expect(new Set(events.map(({ timestamp }) => timestamp)).size).toBe(1);
  expect((await filter({ logStreamNamePrefix: `${today()}[0.0]`, startTime: clock.now() + 1000 })).events).toEqual([]);
  expect((await filter({ logStreamNamePrefix: `${today()}[7.0]` })).events).toEqual([]);
  const page = await filter({ logStreamNamePrefix: today(), limit: 2 });
  expect(page.events).toHaveLength(2);
  const { nextToken } = page;
  const next = await filter({ logStreamNamePrefix: today(), nextToken });
  expect(next.events[0].message).not.toBe(page.events[1].message);
});

test('a build that is made to fail leaves the lines that it is given', async () => {
  expect(await build('FROM scratch\n', { faults: failing({ log: ['#5 ERROR: exit code: 1', 'npm error code E404'] }) })).toBe('CREATE_FAILED');
  expect(await lines('0.0')).toEqual(['#5 ERROR: exit code: 1', 'npm error code E404']);
});

test('a main process that is not there leaves a line in a stream of the version', async () => {
  expect(await build('FROM scratch\nCMD ["no-such-program"]\n')).toBe('CREATE_FAILED');
  expect(await lines('0.0')).toContain('built logged version 1.0');
  expect(await lines('1.0')).toContainEqual(expect.stringContaining('Container Stopped with Exit Code: 127. The program \'no-such-program\''));
});

test('an artifact that is not there leaves its reason', async () => {
  cloud = undefined;
  await build('FROM scratch\nCMD ["sh"]\n', { objects: { read: async () => undefined } });
  expect(await lines('0.0')).toEqual(['S3_NO_SUCH_KEY: The code artifact s3://artifacts/logged.zip does not exist.']);
});

describeNamespaces(() => {
  test('a RUN that fails leaves its output, the exit code and the line of the Dockerfile', async () => {
    const dockerfile = 'FROM scratch\nRUN echo before >&2; exit 3\nCMD ["sh"]\n';
    expect(await build(dockerfile, { isolation: 'namespaces', runSteps: true })).toBe('CREATE_FAILED');
    const found = await lines('0.0');
    expect(found).toContainEqual(expect.stringMatching(/^#\d+ \d+\.\d{3} before$/));
    expect(found).toContainEqual(expect.stringContaining('   2 | >>> RUN echo before >&2; exit 3'));
    expect(found.at(-1)).toBe('ERROR: failed to solve: process "/bin/sh -c echo before >&2; exit 3" did not complete successfully: exit code: 3');
  });
});
