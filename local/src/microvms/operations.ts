import type { ApiRequest } from '../api';
import type { TokenOperations } from './endpoint/token-operations';
import type { Fleet } from './fleet/fleet';
import type { ImageTags } from './images/image-tags';
import type { ImageVersions } from './images/image-versions';
import type { Images } from './images/images';
import type { ManagedImages } from './images/managed-images';
import { unreadable } from './wire/errors';
import type { Route } from './wire/routes';

const PREFIX = '/2025-09-09';
const IMAGES = `${PREFIX}/microvm-images`;
const IMAGE = `${IMAGES}/{image}`;
const VERSIONS = `${IMAGE}/versions`;
const VERSION = `${VERSIONS}/{version}`;
const BUILDS = `${VERSION}/builds`;
const MANAGED = `${PREFIX}/managed-microvm-images`;
const MICROVMS = `${PREFIX}/microvms`;
const MICROVM = `${MICROVMS}/{microvm}`;
const TAGS = '/2017-03-31/tags/{resource}';

/** `line` is `<status> <method> <path>`. */
function route(operation: string, line: string, run: Route['run']): Route {
  const [status, method, path] = line.split(' ');
  return { operation, method, path, status: Number(status), run };
}

export function imageRoutes(images: Images, versions: ImageVersions): Route[] {
  return [
    route('CreateMicrovmImage', `201 POST ${IMAGES}`, (_, request) => images.create(readBody(request))),
    route('ListMicrovmImages', `200 GET ${IMAGES}`, (_, { query }) => images.list(query)),
    route('GetMicrovmImage', `200 GET ${IMAGE}`, ({ image }) => images.describe(image)),
    route('UpdateMicrovmImage', `200 PUT ${IMAGE}`, ({ image }, request) => images.update(image, readBody(request))),
    route('DeleteMicrovmImage', `200 DELETE ${IMAGE}`, ({ image }) => images.delete(image)),
    route('ListMicrovmImageVersions', `200 GET ${VERSIONS}`, ({ image }, { query }) => versions.list(image, query)),
    route('GetMicrovmImageVersion', `200 GET ${VERSION}`, ({ image, version }) => versions.describe(image, version)),
    route('UpdateMicrovmImageVersion', `200 PATCH ${VERSION}`, ({ image, version }, request) => (
      versions.setStatus(image, version, readBody(request))
    )),
    route('DeleteMicrovmImageVersion', `200 DELETE ${VERSION}`, ({ image, version }) => images.deleteVersion(image, version)),
    route('ListMicrovmImageBuilds', `200 GET ${BUILDS}`, ({ image, version }, { query }) => versions.listBuilds(image, version, query)),
    route('GetMicrovmImageBuild', `200 GET ${BUILDS}/{build}`, ({ image, version, build }) => (
      versions.describeBuild(image, version, build)
    )),
  ];
}

export function managedImageRoutes(managed: ManagedImages): Route[] {
  return [
    route('ListManagedMicrovmImages', `200 GET ${MANAGED}`, (_, { query }) => managed.list(query)),
    route('ListManagedMicrovmImageVersions', `200 GET ${MANAGED}/{image}/versions`, ({ image }, { query }) => (
      managed.listVersions(image, query)
    )),
  ];
}

export function tagRoutes(tags: ImageTags): Route[] {
  return [
    route('ListTags', `200 GET ${TAGS}`, ({ resource }) => tags.list(resource)),
    route('TagResource', `204 POST ${TAGS}`, ({ resource }, request) => tags.add(resource, readBody(request))),
    route('UntagResource', `204 DELETE ${TAGS}`, ({ resource }, { query }) => tags.remove(resource, query)),
  ];
}

export function microvmRoutes(fleet: Fleet, tokens: TokenOperations): Route[] {
  return [
    route('RunMicrovm', `200 POST ${MICROVMS}`, (_, request) => fleet.run(readBody(request))),
    route('ListMicrovms', `200 GET ${MICROVMS}`, (_, { query }) => fleet.list(query)),
    route('GetMicrovm', `200 GET ${MICROVM}`, ({ microvm }) => fleet.describe(microvm)),
    route('TerminateMicrovm', `200 DELETE ${MICROVM}`, ({ microvm }) => fleet.terminate(microvm)),
    route('SuspendMicrovm', `200 POST ${MICROVM}/suspend`, ({ microvm }) => fleet.suspend(microvm)),
    route('ResumeMicrovm', `200 POST ${MICROVM}/resume`, ({ microvm }) => fleet.resume(microvm)),
    route('CreateMicrovmAuthToken', `200 POST ${MICROVM}/auth-token`, ({ microvm }, request) => (
      tokens.create(microvm, readBody(request))
    )),
    route('CreateMicrovmShellAuthToken', `200 POST ${MICROVM}/shell-auth-token`, ({ microvm }, request) => (
      tokens.createForShell(microvm, readBody(request))
    )),
  ];
}

function readBody(request: ApiRequest): object {
  if (request.body.length === 0) return {};
  let body: unknown;
  try {
    body = JSON.parse(request.body.toString('utf8'));
  } catch {
    throw unreadable('The request body is not valid JSON');
  }
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body;
  throw unreadable('The request body is not a JSON object');
}
