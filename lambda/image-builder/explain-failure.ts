import { readBuildLog } from './build-log';
import type { Builder } from './builder';
import type { FailedBuild } from './failure-message';
import { failureMessage } from './failure-message';
import type { Build, ImageVersion } from './images';
import { measure } from './metrics';
import type { Target } from './target';

/** Counts a failed version, and says why it failed. What cannot be read is left out: the failure itself must be told. */
export async function explainFailure(builder: Builder, target: Target, version: ImageVersion): Promise<string> {
  const { imageArn, imageName, logGroupName } = target;
  const { imageVersion } = version;
  measure(builder, imageName, ['buildFailed', 1]);
  const builds = await failedBuilds(builder, imageArn, imageVersion);
  const environment = target.build.environmentVariables;
  const since = version.createdAt ?? target.startedAt;
  const excerpt = await readBuildLog(builder, { logGroupName, imageVersion, since, environment });
  const { stateReason: versionReason } = version;
  const failure = { imageName, imageVersion, builds, versionReason, logGroupName, excerpt, environment };
  return failureMessage(failure, target.messageBytes);
}

async function failedBuilds(builder: Builder, imageArn: string, imageVersion: string): Promise<FailedBuild[]> {
  const builds = await readable(builder, () => builder.images.listBuilds(imageArn, imageVersion));
  const failed = (builds ?? []).filter(({ state }) => state === 'FAILED');
  return Promise.all(failed.map(async (build) => describe(builder, imageArn, { imageVersion, build })));
}

async function describe(
  builder: Builder, imageArn: string, { imageVersion, build }: { readonly imageVersion: string; readonly build: Build },
): Promise<FailedBuild> {
  const { buildId, chipset, chipsetGeneration, stateReason: reason } = build;
  const progress = await readable(builder, () => builder.images.buildProgress(imageArn, imageVersion, buildId));
  return { processor: `${chipset} ${chipsetGeneration}`.trim(), reason, progress };
}

async function readable<T>({ log }: Builder, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    log({ level: 'warn', message: 'cannot read about a failed build', error: (error as Error).message });
    return undefined;
  }
}
