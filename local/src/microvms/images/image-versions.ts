import type { BuildRecord } from './image-record';
import type { ImageStore } from './image-store';
import { imageBuildSummary, imageBuildView, versionSummary, versionView } from './image-views';
import type { Clock } from '../../clock';
import { check, type Members } from '../wire/constraints';
import type { Cursors } from '../wire/cursors';
import { invalid, notFound } from '../wire/errors';
import { readQuery } from '../wire/json-type';
import { IDENTIFIER, NON_BLANK } from '../wire/member-rules';
import { type Page, page } from '../wire/pages';

const STATUS: Members = {
  imageIdentifier: IDENTIFIER,
  imageVersion: { ...NON_BLANK, required: true },
  status: { type: 'string', required: true, values: ['ACTIVE', 'INACTIVE'] },
};

const BUILD_FILTERS: Members = {
  architecture: { type: 'string', values: ['ARM_64'] },
  chipset: { type: 'string', values: ['GRAVITON'] },
  chipsetGeneration: NON_BLANK,
};

/** The operations on the versions of images and on their builds. */
export class ImageVersions {
  constructor(private readonly store: ImageStore, private readonly cursors: Cursors, private readonly clock: Clock) {}

  describe(identifier: string, imageVersion: string): object {
    const { image, version } = this.store.resolveVersion(identifier, imageVersion);
    return versionView(image, version);
  }

  list(identifier: string, query: URLSearchParams): Page<object> {
    const image = this.store.resolve(identifier);
    const { items, nextToken } = page(this.cursors, query, {
      list: `versions ${image.id}`,
      items: image.versions,
      position: ({ imageVersion }) => Number(imageVersion),
    });
    return { items: items.map((version) => versionSummary(image, version)), nextToken };
  }

  setStatus(imageIdentifier: string, imageVersion: string, input: { readonly status?: string }): object {
    check({ ...input, imageIdentifier, imageVersion }, STATUS);
    const { image, version } = this.store.resolveVersion(imageIdentifier, imageVersion);
    this.store.assertSettled(image);
    if (version.state !== 'SUCCESSFUL') throw invalid(`The status of a version in state ${version.state} cannot be changed.`);
    version.status = input.status === 'ACTIVE' ? 'ACTIVE' : 'INACTIVE';
    version.updatedAt = this.clock.now();
    return versionView(image, version);
  }

  listBuilds(identifier: string, imageVersion: string, query: URLSearchParams): Page<object> {
    const filters = readQuery(query, BUILD_FILTERS);
    check(filters, BUILD_FILTERS);
    const { image, version } = this.store.resolveVersion(identifier, imageVersion);
    const { chipsetGeneration: wanted } = filters;
    const { items, nextToken } = page(this.cursors, query, {
      list: `builds ${image.id} ${imageVersion}`,
      items: version.builds,
      position: (build: BuildRecord) => version.builds.indexOf(build),
      filter: ({ chipsetGeneration }) => chipsetGeneration === (wanted ?? chipsetGeneration),
    });
    return { items: items.map((build) => imageBuildSummary(image, version, build)), nextToken };
  }

  describeBuild(identifier: string, imageVersion: string, buildId: string): object {
    check({ buildId }, { buildId: NON_BLANK });
    const { image, version } = this.store.resolveVersion(identifier, imageVersion);
    const build = version.builds.find((candidate) => candidate.buildId === buildId);
    if (!build) throw notFound(`MicroVMImageBuild not found for BuildId: ${buildId}`);
    return imageBuildView(image, version, build);
  }
}
