import type { ApiRequest } from '../api';
import type { Place } from './arns';
import { ServiceError } from './errors';
import type { Fleet } from './fleet';
import type { ImageTags } from './image-tags';
import type { Images } from './images';
import { listManagedImages, listManagedImageVersions } from './managed-images';
import type { Route } from './routes';

const PREFIX = '/2025-09-09';
const IMAGES = `${PREFIX}/microvm-images`;
const IMAGE = `${IMAGES}/{image}`;
const VERSION = `${IMAGE}/versions/{version}`;
const MANAGED = `${PREFIX}/managed-microvm-images`;
const MICROVMS = `${PREFIX}/microvms`;
const MICROVM = `${MICROVMS}/{microvm}`;
const TAGS = '/2017-03-31/tags/{resource}';

export function imageRoutes(place: Place, images: Images): Route[] {
  return [
    { method: 'POST', path: IMAGES, status: 201, run: (_, request) => images.create(readBody(request)) },
    { method: 'GET', path: IMAGES, status: 200, run: (_, { query }) => images.list(query) },
    { method: 'GET', path: IMAGE, status: 200, run: ({ image }) => images.describe(image) },
    { method: 'PUT', path: IMAGE, status: 200, run: ({ image }, request) => images.update(image, readBody(request)) },
    { method: 'DELETE', path: IMAGE, status: 200, run: ({ image }) => images.delete(image) },
    { method: 'GET', path: `${IMAGE}/versions`, status: 200, run: ({ image }, { query }) => images.listVersions(image, query) },
    { method: 'GET', path: VERSION, status: 200, run: ({ image, version }) => images.describeVersion(image, version) },
    {
      method: 'PATCH',
      path: VERSION,
      status: 200,
      run: ({ image, version }, request) => images.updateVersion(image, version, readBody(request)),
    },
    { method: 'DELETE', path: VERSION, status: 200, run: ({ image, version }) => images.deleteVersion(image, version) },
    {
      method: 'GET',
      path: `${VERSION}/builds`,
      status: 200,
      run: ({ image, version }, { query }) => images.listBuilds(image, version, query),
    },
    {
      method: 'GET',
      path: `${VERSION}/builds/{build}`,
      status: 200,
      run: ({ image, version, build }) => images.describeBuild(image, version, build),
    },
    { method: 'GET', path: MANAGED, status: 200, run: (_, { query }) => listManagedImages(place, query) },
    {
      method: 'GET',
      path: `${MANAGED}/{image}/versions`,
      status: 200,
      run: ({ image }, { query }) => listManagedImageVersions(place, image, query),
    },
  ];
}

export function tagRoutes(tags: ImageTags): Route[] {
  return [
    { method: 'GET', path: TAGS, status: 200, run: ({ resource }) => tags.list(resource) },
    { method: 'POST', path: TAGS, status: 204, run: ({ resource }, request) => tags.add(resource, readBody(request)) },
    { method: 'DELETE', path: TAGS, status: 204, run: ({ resource }, { query }) => tags.remove(resource, query) },
  ];
}

export function microvmRoutes(fleet: Fleet): Route[] {
  return [
    { method: 'POST', path: MICROVMS, status: 200, run: (_, request) => fleet.run(readBody(request)) },
    { method: 'GET', path: MICROVMS, status: 200, run: (_, { query }) => fleet.list(query) },
    { method: 'GET', path: MICROVM, status: 200, run: ({ microvm }) => fleet.describe(microvm) },
    { method: 'DELETE', path: MICROVM, status: 200, run: ({ microvm }) => fleet.terminate(microvm) },
    { method: 'POST', path: `${MICROVM}/suspend`, status: 200, run: ({ microvm }) => fleet.suspend(microvm) },
    { method: 'POST', path: `${MICROVM}/resume`, status: 200, run: ({ microvm }) => fleet.resume(microvm) },
    { method: 'POST', path: `${MICROVM}/auth-token`, status: 200, run: ({ microvm }, request) => fleet.createToken(microvm, readBody(request)) },
    {
      method: 'POST',
      path: `${MICROVM}/shell-auth-token`,
      status: 200,
      run: ({ microvm }, request) => fleet.createShellToken(microvm, readBody(request)),
    },
  ];
}

function readBody(request: ApiRequest): object {
  if (request.body.length === 0) return {};
  let body: unknown;
  try {
    body = JSON.parse(request.body.toString('utf8'));
  } catch {
    throw new ServiceError('SerializationException', 'The request body is not valid JSON');
  }
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body;
  throw new ServiceError('SerializationException', 'The request body is not a JSON object');
}
