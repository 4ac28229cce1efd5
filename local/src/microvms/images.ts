import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock';
import { imageArn, parseImageArn, type Place } from './arns';
import type { Background } from './background';
import { ClientTokens } from './client-tokens';
import { check } from './constraints';
import { invalid, ServiceError } from './errors';
import type { ImageBuild } from './image-build';
import { type ImageConfiguration, type ImageInput, readConfiguration } from './image-input';
import { type BuildRecord, type ImageRecord, latestActive, type VersionRecord } from './image-record';
import { buildView, imageBuildSummary, imageBuildView, imageSummary, imageView, versionSummary, versionView } from './image-views';
import { type Page, page } from './pages';

export interface ImagesEnvironment {
  readonly place: Place;
  readonly clock: Clock;
  readonly background: Background;
  readonly build: ImageBuild;
  /** Built images live below it. */
  readonly folder: string;
  readonly transitionMs: number;
  /** True while a microVM of this image is not TERMINATED. */
  isRunning(image: ImageRecord): boolean;
}

interface ImageAndVersion {
  readonly image: ImageRecord;
  readonly version: VersionRecord;
}

/** The chipsets that the service builds every version for. */
const CHIPSET_GENERATIONS = ['4', '3'];

/** The images of the account, their versions and builds. */
export class Images {
  readonly #images = new Map<string, ImageRecord>();
  readonly #tokens = new ClientTokens<object>();

  constructor(private readonly environment: ImagesEnvironment) {}

  get names(): string[] {
    return [...this.#images.keys()];
  }

  create(input: ImageInput): object {
    const { place, clock } = this.environment;
    const configuration = readConfiguration(place, input, 'create');
    const earlier = this.#tokens.recall(input.clientToken, input);
    if (earlier) return earlier;
    const name = input.name ?? '';
    // The name of an image that is being deleted stays taken until it is gone.
    if (this.#images.has(name)) throw invalid(`A MicroVM image with the name '${name}' already exists in this account`);
    const now = clock.now();
    const image: ImageRecord = {
      id: randomUUID(),
      name,
      imageArn: imageArn(place, name),
      createdAt: now,
      updatedAt: now,
      state: 'CREATING',
      tags: { ...input.tags },
      versions: [],
      lastVersion: 0,
    };
    this.#images.set(name, image);
    const version = this.#addVersion(image, configuration, 'CREATED', 'CREATE_FAILED');
    return this.#tokens.remember(input.clientToken, input, { ...buildView(image, version), tags: input.tags ?? null });
  }

  update(identifier: string, input: ImageInput): object {
    const request = { ...input, imageIdentifier: identifier };
    const image = this.#resolve(identifier);
    const configuration = readConfiguration(this.environment.place, input, 'update');
    const earlier = this.#tokens.recall(input.clientToken, request);
    if (earlier) return earlier;
    this.#assertSettled(image);
    image.state = 'UPDATING';
    image.updatedAt = this.environment.clock.now();
    const version = this.#addVersion(image, configuration, 'UPDATED', 'UPDATE_FAILED');
    return this.#tokens.remember(input.clientToken, request, buildView(image, version));
  }

  describe(identifier: string): object {
    return imageView(this.#resolve(identifier));
  }

  list(query: URLSearchParams): Page<object> {
    const nameFilter = query.get('nameFilter') ?? '';
    const { items, nextToken } = page([...this.#images.values()], query, ({ name }) => name.includes(nameFilter));
    return { items: items.map(imageSummary), nextToken };
  }

  delete(identifier: string): object {
    const image = this.#resolve(identifier);
    if (image.state === 'CREATING' || image.state === 'UPDATING') {
      throw invalid(`Cannot delete MicroVM image in its current state: ${image.state}`);
    }
    if (this.environment.isRunning(image)) throw invalid('Cannot delete microvm image with running microvms.');
    if (image.state !== 'DELETING') {
      image.state = 'DELETING';
      this.#later(`Deletion of image ${image.name}`, async () => {
        await rm(join(this.environment.folder, image.id), { recursive: true, force: true });
        this.#images.delete(image.name);
      });
    }
    return { imageIdentifier: image.imageArn, state: image.state };
  }

  describeVersion(identifier: string, number: string): object {
    const { image, version } = this.#resolveVersion(identifier, number);
    return versionView(image, version);
  }

  listVersions(identifier: string, query: URLSearchParams): Page<object> {
    const image = this.#resolve(identifier);
    const { items, nextToken } = page(image.versions, query);
    return { items: items.map((version) => versionSummary(image, version)), nextToken };
  }

  updateVersion(identifier: string, number: string, input: { readonly status?: string }): object {
    check(input, { status: { type: 'string', required: true, values: ['ACTIVE', 'INACTIVE'] } });
    const { image, version } = this.#resolveVersion(identifier, number);
    this.#assertSettled(image);
    if (version.state !== 'SUCCESSFUL') throw invalid(`The status of a version in state ${version.state} cannot be changed.`);
    version.status = input.status === 'ACTIVE' ? 'ACTIVE' : 'INACTIVE';
    version.updatedAt = this.environment.clock.now();
    return versionView(image, version);
  }

  deleteVersion(identifier: string, number: string): object {
    const { image, version } = this.#resolveVersion(identifier, number);
    this.#assertSettled(image);
    if (image.versions.length === 1) {
      throw invalid('Cannot delete the last version of a MicroVM image. Delete the MicroVM image instead.');
    }
    image.state = 'UPDATING';
    version.state = 'DELETING';
    this.#later(`Deletion of image ${image.name} version ${number}`, async () => {
      await rm(version.folder, { recursive: true, force: true });
      image.versions = image.versions.filter((other) => other !== version);
      image.state = 'UPDATED';
    });
    return { imageIdentifier: image.imageArn, imageVersion: version.imageVersion, state: version.state };
  }

  listBuilds(identifier: string, number: string, query: URLSearchParams): Page<object> {
    const { image, version } = this.#resolveVersion(identifier, number);
    const fixed = { architecture: 'ARM_64', chipset: 'GRAVITON' };
    const matches = ({ chipsetGeneration }: BuildRecord): boolean => Object.entries({ ...fixed, chipsetGeneration })
      .every(([name, value]) => (query.get(name) ?? value) === value);
    const { items, nextToken } = page(version.builds.filter(matches), query);
    return { items: items.map((build) => imageBuildSummary(image, version, build)), nextToken };
  }

  describeBuild(identifier: string, number: string, buildId: string): object {
    const { image, version } = this.#resolveVersion(identifier, number);
    const build = version.builds.find((candidate) => candidate.buildId === buildId);
    if (!build) throw new ServiceError('ResourceNotFoundException', `MicroVMImageBuild not found for BuildId: ${buildId}`);
    return imageBuildView(image, version, build);
  }

  find(name: string): ImageRecord {
    const image = this.#images.get(name);
    if (image) return image;
    const arn = imageArn(this.environment.place, name);
    throw new ServiceError('ResourceNotFoundException', `MicroVMImage not found for MicroVMImageID: ${arn}`);
  }

  /** The version that RunMicrovm starts: SUCCESSFUL and ACTIVE, of an image in a good state. */
  runnable(name: string, number: string | undefined): ImageAndVersion {
    const image = this.find(name);
    const pinnedVersion = image.versions.find((version) => version.imageVersion === number);
    const wanted = number === undefined ? latestActive(image) : pinnedVersion;
    const active = wanted?.state === 'SUCCESSFUL' && wanted.status === 'ACTIVE';
    // After a failed update the older versions are refused, too, until the image is UPDATED again.
    const settled = ['CREATED', 'UPDATING', 'UPDATED'].includes(image.state);
    if (wanted && active && settled) return { image, version: wanted };
    const pinned = number === undefined ? '' : ` and version ${number}`;
    throw new ServiceError('ResourceNotFoundException', `No active version found for MicroVM image ${image.imageArn}${pinned}`);
  }

  #resolve(identifier: string): ImageRecord {
    return this.find(parseImageArn(this.environment.place, identifier, 'image'));
  }

  #resolveVersion(identifier: string, number: string): ImageAndVersion {
    const image = this.#resolve(identifier);
    const version = image.versions.find((candidate) => candidate.imageVersion === number);
    if (version) return { image, version };
    throw new ServiceError('ResourceNotFoundException', `MicroVMImage not found for MicroVMImage: ${image.imageArn}, Version: ${number}`);
  }

  #assertSettled(image: ImageRecord): void {
    if (!['CREATING', 'UPDATING', 'DELETING'].includes(image.state)) return;
    throw new ServiceError('ConflictException', `MicroVM Image is already in state: ${image.state}`);
  }

  #addVersion(
    image: ImageRecord,
    configuration: ImageConfiguration,
    built: ImageRecord['state'],
    failed: ImageRecord['state'],
  ): VersionRecord {
    const now = this.environment.clock.now();
    const version: VersionRecord = {
      imageVersion: `${++image.lastVersion}.0`,
      configuration,
      createdAt: now,
      updatedAt: now,
      stateChangedAt: now,
      builds: CHIPSET_GENERATIONS.map((chipsetGeneration) => (
        { buildId: randomUUID(), chipsetGeneration, createdAt: now, state: 'PENDING', stateReason: null, installed: false }
      )),
      folder: join(this.environment.folder, image.id, `${image.lastVersion}`),
      state: 'PENDING',
      stateReason: null,
      status: 'INACTIVE',
    };
    image.versions.push(version);
    this.environment.background.run(`Build of image ${image.name}`, async () => {
      await this.environment.build.run(image, version);
      image.state = version.state === 'SUCCESSFUL' ? built : failed;
      image.updatedAt = this.environment.clock.now();
    });
    return version;
  }

  #later(what: string, work: () => Promise<void>): void {
    this.environment.background.run(what, async () => {
      await this.environment.clock.sleep(this.environment.transitionMs);
      await work();
    });
  }
}
