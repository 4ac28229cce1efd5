import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type { Construct } from 'constructs';
import type { Artifact } from './bound-source';
import type { ImageBuilderProvider } from './image-builder-provider';
import type { RebuildEvent } from '../contract/image';

export interface RebuildScheduleProps extends Omit<RebuildEvent, keyof SourceOfEvent | 'eventId'> {
  readonly provider: ImageBuilderProvider;
  readonly schedule: events.Schedule;
  readonly artifact: Artifact;
}

type SourceOfEvent = Pick<RebuildEvent, 'sourceBucket' | 'sourceKey' | 'sourceObjectVersion' | 'sourceDockerfile'>;

/** Asks now and then for a newer base, and has the image built on it. */
export class RebuildSchedule extends events.Rule {
  constructor(scope: Construct, id: string, props: RebuildScheduleProps) {
    const { provider, schedule, artifact, ...image } = props;
    // Its id is the client token of the build: a repeated delivery asks for the same version.
    const event: RebuildEvent = { ...image, ...sourceOf(artifact), eventId: events.EventField.eventId };
    super(scope, id, {
      description: `Rebuilds ${scope.node.path} when there is a newer base image`.slice(0, 512),
      schedule,
      targets: [new targets.LambdaFunction(provider.rebuild, { event: events.RuleTargetInput.fromObject(event) })],
    });
  }
}

function sourceOf(artifact: Artifact): SourceOfEvent {
  switch (artifact.kind) {
    case 'copied':
      return {
        sourceBucket: artifact.bucket.bucketName,
        sourceKey: artifact.key,
        sourceObjectVersion: artifact.objectVersion,
      };
    case 'dockerfile':
      return { sourceDockerfile: artifact.text };
    case 'inPlace':
      return {};
  }
}
