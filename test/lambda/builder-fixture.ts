import { FakeArtifacts } from './fake-artifacts';
import { ARN, FakeImages } from './fake-images';
import { TestClock } from './test-clock';
import type { BuildLogs, LogLine, LogQuery } from '../../lambda/image-builder/build-log';
import { completeImage } from '../../lambda/image-builder/is-complete';
import { startImage } from '../../lambda/image-builder/on-event';
import { rebuildImage } from '../../lambda/image-builder/rebuild';
import type { RebuildEvent } from '../../src/contract/image';

export const PROPERTIES = {
  ServiceToken: 'arn:aws:lambda:us-east-1:123456789012:function:provider',
  ImageName: 'agent',
  Description: 'For agents',
  BaseImageArn: 'arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1',
  BaseImageVersion: '1',
  BuildRoleArn: 'arn:aws:iam::123456789012:role/build',
  SourceBucket: 'assets',
  SourceKey: 'source.zip',
  ArtifactBucket: 'artifacts',
  ArtifactKey: 'agent/0123.zip',
  MemoryMib: '2048',
  EgressConnectorArns: ['arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:INTERNET_EGRESS'],
  LogGroupName: '/aws/lambda-microvms/agent',
  Environment: { MODE: 'agent' },
  Hooks: { Port: '9000', Ready: '300', Run: '10' },
  OsCapabilities: [],
  RetainVersions: '1',
};

export const REBUILD: RebuildEvent = {
  imageArn: `${ARN}agent`,
  baseImageArn: PROPERTIES.BaseImageArn,
  artifactBucket: 'artifacts',
  artifactKey: 'agent/0123.zip',
  sourceBucket: 'assets',
  sourceKey: 'source.zip',
  logGroupName: '/aws/lambda-microvms/agent',
  retainVersions: 1,
  eventId: 'tick-1',
};

/** As the Provider framework hands it over: anything may be in it. */
export const event = (change: object = {}): any => ({
  RequestType: 'Create',
  RequestId: 'request-1',
  StackId: 'stack-1',
  LogicalResourceId: 'Image',
  ResponseURL: 'https://s3/?secret-signature',
  ResourceProperties: PROPERTIES,
  ...change,
});
export const update = (change: object = {}, requestId = 'request-2', old: object = PROPERTIES) => event({
  RequestType: 'Update',
  RequestId: requestId,
  PhysicalResourceId: `${ARN}agent`,
  ResourceProperties: { ...PROPERTIES, ...change },
  OldResourceProperties: old,
});
export const deletion = (change: object = {}) => event({
  RequestType: 'Delete', RequestId: 'request-8', PhysicalResourceId: `${ARN}agent`, ...change,
});

/** A log group: lines that a test put there, or an error. */
export class FakeLogs implements BuildLogs {
  readonly lines: LogLine[] = [];
  readonly queries: LogQuery[] = [];
  error?: Error;
  /** Called before each answer. */
  onQuery?: () => void;

  async tail(query: LogQuery): Promise<LogLine[]> {
    this.queries.push(query);
    this.onQuery?.();
    if (this.error) throw this.error;
    const { streamPrefix, since } = query;
    return this.lines.filter(({ stream, timestamp }) => stream.startsWith(streamPrefix) && timestamp >= since);
  }
}

/** The image-builder's handlers over doubles of the service, of S3 and of CloudWatch Logs. */
export class BuilderFixture {
  readonly clock = new TestClock();
  readonly images = new FakeImages(this.clock);
  readonly artifacts = new FakeArtifacts();
  readonly logs = new FakeLogs();
  readonly lines: any[] = [];

  readonly log = (line: object) => void this.lines.push(line);

  readonly onEvent = (request: any) => startImage(this, request);

  readonly isComplete = (request: any) => completeImage(this, request);

  readonly rebuild = (change: Partial<RebuildEvent> = {}) => rebuildImage(this, { ...REBUILD, ...change });

  /** As the Provider framework does: what `onEvent` answered is handed on. */
  readonly start = async (request: any) => {
    const handed = { ...request, ...await this.onEvent(request) };
    return { handed, look: () => this.isComplete(handed) };
  };

  /** Looks every ten seconds until it is complete, as the framework does. Before each look the service goes on. */
  readonly complete = async (request: any, serve: () => void = () => this.serve()) => {
    const { look } = await this.start(request);
    for (let looks = 0; looks < 300; looks++) {
      serve();
      const result = await look();
      if (result.IsComplete) return result.Data;
      this.clock.time += 10_000;
    }
    throw new Error('the framework gave up');
  };

  /** Ends all that is under way. */
  readonly serve = () => {
    for (const [imageArn, { versions }] of this.images.images) {
      if (versions.at(-1)?.state === 'PENDING') this.images.finish(imageArn.slice(ARN.length));
    }
    this.images.finishDeletions();
  };

  readonly created = () => this.complete(event());

  /** The values of a metric. */
  readonly measured = (name: string) => this.lines.flatMap((line) => (name in line ? [line[name]] : []));
}
