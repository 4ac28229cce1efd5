import {
  CreateMicrovmImageCommand, DeleteMicrovmImageCommand, GetMicrovmImageCommand, GetMicrovmImageVersionCommand,
  paginateListMicrovmImageBuilds, paginateListMicrovmImageVersions, paginateListMicrovms, TerminateMicrovmCommand,
  UpdateMicrovmImageCommand,
} from '@aws-sdk/client-lambda-microvms';
import type { LambdaMicrovmsClient } from '@aws-sdk/client-lambda-microvms';
import type { Build, BuildRequest, Image, ImageClient, ImageVersion, ListedMicrovm, Submitted } from './images';
import { toServiceError } from '../pool/service-error';

/** The image operations of the MicroVMs service through the AWS SDK. */
export class SdkImages implements ImageClient {
  private readonly paging;

  constructor(private readonly client: LambdaMicrovmsClient) {
    // The most that the service takes; it defaults to 10.
    this.paging = { client, pageSize: 50 };
  }

  async create(
    name: string, build: BuildRequest, tags: Record<string, string>, clientToken: string,
  ): Promise<Submitted> {
    return ask('CreateMicrovmImage', async () => toSubmitted(
      await this.client.send(new CreateMicrovmImageCommand({ name, ...build, tags, clientToken })),
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

  async listBuilds(imageArn: string, imageVersion: string): Promise<Build[]> {
    return ask('ListMicrovmImageBuilds', () => collect(
      paginateListMicrovmImageBuilds(this.paging, { imageIdentifier: imageArn, imageVersion }),
      ({ buildState, chipset, chipsetGeneration, stateReason }) => ({
        state: buildState ?? '', chipset: chipset ?? '', chipsetGeneration: chipsetGeneration ?? '', stateReason: stateReason ?? undefined,
      }),
    ));
  }

  async listMicrovms(imageArn: string): Promise<ListedMicrovm[]> {
    return ask('ListMicrovms', () => collect(
      paginateListMicrovms(this.paging, { imageIdentifier: imageArn }),
      ({ microvmId, state }) => ({ microvmId: microvmId ?? '', state: state ?? '' }),
    ));
  }

  async terminate(microvmId: string): Promise<void> {
    await ask('TerminateMicrovm', () => this.client.send(new TerminateMicrovmCommand({ microvmIdentifier: microvmId })));
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

interface DescribedVersion {
  readonly imageVersion?: string;
  readonly state?: string;
  readonly status?: string;
  readonly stateReason?: string | null;
}

function toVersion({ imageVersion = '', state = '', status, stateReason }: DescribedVersion): ImageVersion {
  return { imageVersion, state, status, stateReason: stateReason ?? undefined };
}
