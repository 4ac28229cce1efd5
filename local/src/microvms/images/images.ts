import { randomUUID } from 'node:crypto';
import type { ImageFiles } from './image-files';
import { checkCreate, checkUpdate, type ImageConfiguration, type ImageInput, type ImageSurroundings, readConfiguration } from './image-input';
import type { ImageRecord, VersionRecord } from './image-record';
import type { ImageStore } from './image-store';
import { buildView, imageSummary, imageView } from './image-views';
import type { Clock } from '../../clock';
import type { Background } from '../background';
import type { ImageBuild } from '../build/image-build';
import type { Delays } from '../delays';
import { Guest } from '../guest/guest';
import type { Spares } from '../guest/spares';
import type { Ceilings } from '../quotas';
import { imageArn } from '../wire/arns';
import { ClientTokens, type SavedTokens } from '../wire/client-tokens';
import { check, type Members } from '../wire/constraints';
import type { Cursors } from '../wire/cursors';
import { invalid } from '../wire/errors';
import { readQuery } from '../wire/json-type';
import { NON_BLANK } from '../wire/member-rules';
import { type Page, page } from '../wire/pages';

export interface ImagesEnvironment extends ImageSurroundings {
  readonly clock: Clock;
  readonly background: Background;
  readonly store: ImageStore;
  readonly files: ImageFiles;
  readonly build: ImageBuild;
  readonly spares: Spares;
  readonly ceilings: Ceilings;
  readonly cursors: Cursors;
  readonly delays: Delays;
  /** True while a microVM of this image is not TERMINATED. */
  isRunning(image: ImageRecord): boolean;
}

interface Outcome {
  readonly built: ImageRecord['state'];
  readonly failed: ImageRecord['state'];
}

/** The chipsets that the service builds every version for. */
const CHIPSET_GENERATIONS = ['4', '3'];

const FILTER: Members = { nameFilter: NON_BLANK };

/** The operations on images, and those that add and remove versions. */
export class Images {
  readonly #tokens = new ClientTokens<object>();

  constructor(private readonly environment: ImagesEnvironment) {}

  async create(input: ImageInput): Promise<object> {
    checkCreate(input);
    const configuration = readConfiguration(this.environment, input);
    return (await this.#tokens.once(input.clientToken, input, () => this.#create(input, configuration))).value;
  }

  async update(imageIdentifier: string, input: ImageInput): Promise<object> {
    const { store } = this.environment;
    checkUpdate(imageIdentifier, input);
    const image = store.resolve(imageIdentifier);
    const configuration = readConfiguration(this.environment, input);
    const request = { ...input, imageIdentifier };
    return (await this.#tokens.once(input.clientToken, request, () => this.#update(image, configuration))).value;
  }

  describe(identifier: string): object {
    return imageView(this.environment.store.resolve(identifier));
  }

  list(query: URLSearchParams): Page<object> {
    const { store, cursors } = this.environment;
    const filters = readQuery(query, FILTER) as { nameFilter?: string };
    check(filters, FILTER);
    const { nameFilter = '' } = filters;
    const { items, nextToken } = page(cursors, query, {
      list: 'images',
      items: store.all(),
      position: ({ serial }) => serial,
      filter: ({ name }) => name.includes(nameFilter),
    });
    return { items: items.map(imageSummary), nextToken };
  }

  delete(identifier: string): object {
    const { store, files, spares, isRunning } = this.environment;
    const image = store.resolve(identifier);
    if (image.state === 'CREATING' || image.state === 'UPDATING') {
      throw invalid(`Cannot delete MicroVM image in its current state: ${image.state}`);
    }
    if (isRunning(image)) throw invalid('Cannot delete microvm image with running microvms.');
    if (image.state !== 'DELETING') {
      this.#change(image, 'DELETING');
      this.#later(`Deletion of image ${image.name}`, this.environment.delays.imageDeletionMs, async () => {
        for (const version of image.versions) await spares.drop(version);
        // First, so that no state is saved that names files that are gone.
        store.remove(image);
        await files.removeImage(image.id);
      });
    }
    return { imageIdentifier: image.imageArn, state: image.state };
  }

  deleteVersion(identifier: string, imageVersion: string): object {
    const { store, files, spares } = this.environment;
    const { image, version } = store.resolveVersion(identifier, imageVersion);
    store.assertSettled(image);
    if (image.versions.length === 1) {
      throw invalid('Cannot delete the last version of a MicroVM image. Delete the MicroVM image instead.');
    }
    this.#change(image, 'UPDATING');
    const now = this.environment.clock.now();
    Object.assign(version, { state: 'DELETING', updatedAt: now, stateChangedAt: now });
    this.#later(`Deletion of image ${image.name} version ${imageVersion}`, this.environment.delays.versionDeletionMs, async () => {
      await spares.drop(version);
      image.versions = image.versions.filter((other) => other !== version);
      this.#change(image, 'UPDATED');
      await files.removeVersion(version);
    });
    return { imageIdentifier: image.imageArn, imageVersion: version.imageVersion, state: version.state };
  }

  save(): SavedTokens<object> {
    return this.#tokens.save();
  }

  restore(saved: SavedTokens<object>): void {
    this.#tokens.restore(saved);
  }

  #create(input: ImageInput, configuration: ImageConfiguration): object {
    const { place, clock, store, ceilings } = this.environment;
    const name = input.name ?? '';
    // The name of an image that is being deleted stays taken until it is gone.
    if (store.has(name)) throw invalid(`A MicroVM image with the name '${name}' already exists in this account`);
    ceilings.assertImage(store.all().length);
    ceilings.assertBuild(store.buildsUnderWay());
    const now = clock.now();
    const image: ImageRecord = {
      id: randomUUID(),
      serial: store.nextSerial(),
      name,
      imageArn: imageArn(place, name),
      createdAt: now,
      updatedAt: now,
      state: 'CREATING',
      tags: { ...input.tags },
      versions: [],
      lastVersion: 0,
    };
    store.add(image);
    const version = this.#addVersion(image, configuration, { built: 'CREATED', failed: 'CREATE_FAILED' });
    return { ...buildView(image, version), tags: input.tags ?? null };
  }

  #update(image: ImageRecord, configuration: ImageConfiguration): object {
    const { store, ceilings } = this.environment;
    store.assertSettled(image);
    ceilings.assertVersion(image.versions.length, image.imageArn);
    ceilings.assertBuild(store.buildsUnderWay());
    this.#change(image, 'UPDATING');
    return buildView(image, this.#addVersion(image, configuration, { built: 'UPDATED', failed: 'UPDATE_FAILED' }));
  }

  #addVersion(image: ImageRecord, configuration: ImageConfiguration, { built, failed }: Outcome): VersionRecord {
    const now = this.environment.clock.now();
    const imageVersion = `${++image.lastVersion}.0`;
    const version: VersionRecord = {
      imageVersion,
      configuration,
      createdAt: now,
      updatedAt: now,
      stateChangedAt: now,
      builds: CHIPSET_GENERATIONS.map((chipsetGeneration) => (
        { buildId: randomUUID(), chipsetGeneration, createdAt: now, state: 'PENDING', stateReason: null, installed: false }
      )),
      folder: this.environment.files.folderOf(image.id, imageVersion),
      state: 'PENDING',
      status: 'INACTIVE',
    };
    image.versions.push(version);
    this.environment.background.run(`Build of image ${image.name}`, async () => {
      await this.environment.build.run(image, version).finally(() => this.#change(image, version.state === 'SUCCESSFUL' ? built : failed));
      this.environment.spares.prepare(new Guest(this.environment.place, image, version));
    });
    return version;
  }

  #change(image: ImageRecord, state: ImageRecord['state']): void {
    Object.assign(image, { state, updatedAt: this.environment.clock.now() });
  }

  #later(what: string, delayMs: number, work: () => Promise<void>): void {
    this.environment.background.run(what, async () => {
      await this.environment.clock.sleep(delayMs);
      await work();
    });
  }
}
