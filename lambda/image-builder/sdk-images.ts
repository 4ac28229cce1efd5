import {
  CreateMicrovmImageCommand, DeleteMicrovmImageCommand, DeleteMicrovmImageVersionCommand,
  GetMicrovmImageBuildCommand, GetMicrovmImageCommand, GetMicrovmImageVersionCommand,
  paginateListManagedMicrovmImageVersions, paginateListMicrovmImageBuilds, paginateListMicrovmImageVersions,
  paginateListMicrovms,
  TagResourceCommand, TerminateMicrovmCommand, UntagResourceCommand, UpdateMicrovmImageCommand,
  UpdateMicrovmImageVersionCommand,
} from '@aws-sdk/client-lambda-microvms';
import type { LambdaMicrovmsClient } from '@aws-sdk/client-lambda-microvms';
import type {
  Build, BuildProgress, BuildRequest, Image, ImageClient, ImageVersion, ListedMicrovm, ManagedVersion, NewImage,
  Submitted,
} from './images';
import { toVersion } from './sdk-version';
import { toServiceError } from '../pool/service-error';

/** The image operations of the MicroVMs service through the AWS SDK. */
export class SdkImages implements ImageClient {
  private readonly paging;

  constructor(private readonly client: LambdaMicrovmsClient) {
    // The most that the service takes; it defaults to 10.
    this.paging = { client, pageSize: 50 };
  }

  async create({ name, build, tags }: NewImage, clientToken: string): Promise<Submitted> {
    return ask('CreateMicrovmImage', async () => toSubmitted(
      await this.client.send(new CreateMicrovmImageCommand({ name, ...build, tags: { ...tags }, clientToken })),
    ));
  }

  async update(imageArn: string, build: BuildRequest, clientToken: string): Promise<Submitted> {
    return ask('UpdateMicrovmImage', async () => toSubmitted(
      await this.client.send(new UpdateMicrovmImageCommand({ imageIdentifier: imageArn, ...build, clientToken })),
    ));
  }

  async delete(imageArn: string): Promise<void> {
    await ask('DeleteMicrovmImage', () => this.client.send(new DeleteMicrovmImageCommand({ imageIdentifier: imageArn })));
  }

  async get(imageArn: string): Promise<Image> {
    return ask('GetMicrovmImage', async () => {
      const { state, tags } = await this.client.send(new GetMicrovmImageCommand({ imageIdentifier: imageArn }));
      return { state: state ?? '', tags: tags ?? {} };
    });
  }

  async tag(imageArn: string, tags: Readonly<Record<string, string>>): Promise<void> {
    await ask('TagResource', () => this.client.send(new TagResourceCommand({ Resource: imageArn, Tags: { ...tags } })));
  }

  async untag(imageArn: string, keys: readonly string[]): Promise<void> {
    await ask('UntagResource', () => this.client.send(new UntagResourceCommand({ Resource: imageArn, TagKeys: [...keys] })));
  }

  async getVersion(imageArn: string, imageVersion: string): Promise<ImageVersion> {
    return ask('GetMicrovmImageVersion', async () => toVersion(
      await this.client.send(new GetMicrovmImageVersionCommand({ imageIdentifier: imageArn, imageVersion })),
    ));
  }

  async listVersions(imageArn: string): Promise<ImageVersion[]> {
    return ask('ListMicrovmImageVersions', () => collect(
      paginateListMicrovmImageVersions(this.paging, { imageIdentifier: imageArn }), toVersion,
    ));
  }

  async setStatus(imageArn: string, imageVersion: string, status: 'ACTIVE' | 'INACTIVE'): Promise<void> {
    await ask('UpdateMicrovmImageVersion', () => (
      this.client.send(new UpdateMicrovmImageVersionCommand({ imageIdentifier: imageArn, imageVersion, status }))
    ));
  }

  async deleteVersion(imageArn: string, imageVersion: string): Promise<void> {
    await ask('DeleteMicrovmImageVersion', () => (
      this.client.send(new DeleteMicrovmImageVersionCommand({ imageIdentifier: imageArn, imageVersion }))
    ));
  }

  async listBuilds(imageArn: string, imageVersion: string): Promise<Build[]> {
    return ask('ListMicrovmImageBuilds', () => collect(
      paginateListMicrovmImageBuilds(this.paging, { imageIdentifier: imageArn, imageVersion }),
      ({ buildId, buildState, chipset, chipsetGeneration, stateReason }) => ({
        buildId: buildId ?? '',
        state: buildState ?? '',
        chipset: chipset ?? '',
        chipsetGeneration: chipsetGeneration ?? '',
        stateReason: stateReason ?? undefined,
      }),
    ));
  }

  async buildProgress(imageArn: string, imageVersion: string, buildId: string): Promise<BuildProgress> {
    return ask('GetMicrovmImageBuild', async () => {
      const { snapshotBuild } = await this.client.send(
        new GetMicrovmImageBuildCommand({ imageIdentifier: imageArn, imageVersion, buildId }),
      );
      const { codeInstallSizeInBytes, memorySnapshotSizeInBytes } = snapshotBuild ?? {};
      return { hasCode: typeof codeInstallSizeInBytes === 'number', hasSnapshot: typeof memorySnapshotSizeInBytes === 'number' };
    });
  }

  async listMicrovms(imageArn: string, imageVersion?: string): Promise<ListedMicrovm[]> {
    const input = { imageIdentifier: imageArn, ...(imageVersion !== undefined && { imageVersion }) };
    return ask('ListMicrovms', () => collect(
      paginateListMicrovms(this.paging, input),
      ({ microvmId, state }) => ({ microvmId: microvmId ?? '', state: state ?? '' }),
    ));
  }

  async terminate(microvmId: string): Promise<void> {
    await ask('TerminateMicrovm', () => this.client.send(new TerminateMicrovmCommand({ microvmIdentifier: microvmId })));
  }

  async listManagedVersions(baseImageArn: string): Promise<ManagedVersion[]> {
    return ask('ListManagedMicrovmImageVersions', () => collect(
      paginateListManagedMicrovmImageVersions(this.paging, { imageIdentifier: baseImageArn }),
      ({ imageVersion, status }) => ({ version: imageVersion ?? '', status: status ?? 'UNKNOWN' }),
    ));
  }
}

async function ask<T>(operation: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toServiceError(operation, error);
  }
}

async function collect<Item, T>(pages: AsyncIterable<{ items?: Item[] }>, convert: (item: Item) => T): Promise<T[]> {
  const all: T[] = [];
  for await (const { items = [] } of pages) all.push(...items.map(convert));
  return all;
}

function toSubmitted({ imageArn, imageVersion }: { imageArn?: string; imageVersion?: string }): Submitted {
  if (!imageArn || !imageVersion) throw new Error('the answer lacks imageArn or imageVersion');
  return { imageArn, imageVersion };
}
