import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { LambdaMicrovmsClient } from '@aws-sdk/client-lambda-microvms';
import { S3Client } from '@aws-sdk/client-s3';
import type { Builder } from './builder';
import type { IsCompleteEvent, IsCompleteResult, OnEventResult, ProviderEvent } from './events';
import { completeImage } from './is-complete';
import { logged } from './logged';
import { startImage } from './on-event';
import { rebuildImage } from './rebuild';
import { SdkArtifacts } from './sdk-artifacts';
import { SdkImages } from './sdk-images';
import { SdkLogs } from './sdk-logs';
import type { RebuildEvent } from '../../src/contract/image';
import { systemClock } from '../pool/clock';
import { stdoutLog } from '../pool/log';

const attempts = {
  maxAttempts: 5,
  // Without `throwOnRequestTimeout` a request that hangs is only warned about.
  requestHandler: { connectionTimeout: 1000, requestTimeout: 20_000, throwOnRequestTimeout: true },
};

const builder: Builder = {
  images: new SdkImages(new LambdaMicrovmsClient(attempts)),
  // A copy takes as long as the artifact is large.
  artifacts: new SdkArtifacts(new S3Client({ maxAttempts: 5 })),
  logs: new SdkLogs(new CloudWatchLogsClient(attempts)),
  clock: systemClock,
  log: stdoutLog,
};

/** Both handlers of CDK's Provider framework in one function, warm when the second is called: its event has what the first answered. */
export async function provide(event: ProviderEvent | IsCompleteEvent): Promise<OnEventResult | IsCompleteResult> {
  return 'StartedAt' in event
    ? logged(stdoutLog, 'isComplete', event, () => completeImage(builder, event))
    : logged(stdoutLog, 'onEvent', event, () => startImage(builder, event));
}

/** Called by a schedule, not by CloudFormation. */
export async function rebuild(event: RebuildEvent): Promise<void> {
  await rebuildImage(builder, event);
}
