import { BASE_IMAGE, ROLE } from './microvm-cloud';

export interface OperationRequest {
  readonly operation: string;
  readonly method: string;
  /** `{image}`, `{build}` and `{microvm}` stand for what a test has of them. */
  readonly path: string;
  readonly body?: object;
  /** Of the success. */
  readonly status: number;
  /** What the answer consists of, apart from items of a list. */
  readonly members: readonly string[];
}

const BUILD_INPUT = { baseImageArn: BASE_IMAGE, buildRoleArn: ROLE, codeArtifact: { uri: 's3://artifacts/kept.zip' } };
const CONFIGURATION = [
  'additionalOsCapabilities', 'baseImageArn', 'baseImageVersion', 'buildRoleArn', 'codeArtifact', 'cpuConfigurations', 'description',
  'egressNetworkConnectors', 'environmentVariables', 'hooks', 'logging', 'resources',
];
const IMAGE = ['createdAt', 'id', 'imageArn', 'latestActiveImageVersion', 'latestFailedImageVersion', 'name', 'state', 'updatedAt'];
const BUILT = [...CONFIGURATION, ...IMAGE, 'buildPhaseOverrides', 'imageVersion', 'roleConfiguration'];
const VERSION = [
  ...CONFIGURATION, 'createdAt', 'imageArn', 'imageVersion', 'state', 'stateReason', 'status', 'tags', 'updatedAt',
  'versionStateTimeBucket',
];
const BUILD = [
  'architecture', 'buildId', 'buildState', 'chipset', 'chipsetGeneration', 'createdAt', 'imageArn', 'imageVersion', 'snapshotBuild',
  'stateReason', 'terminationReasonCode',
];
const MICROVM = [
  'egressNetworkConnectors', 'endpoint', 'executionRoleArn', 'idlePolicy', 'imageArn', 'imageVersion', 'ingressNetworkConnectors',
  'maximumDurationInSeconds', 'microvmId', 'startedAt', 'state', 'stateReason', 'terminatedAt', 'terminationReasonCode',
];
const LIST = ['items', 'nextToken'];

const images = '/2025-09-09/microvm-images';
const image = `${images}/{image}`;
const version = `${image}/versions/1.0`;
const managed = '/2025-09-09/managed-microvm-images';
const microvms = '/2025-09-09/microvms';
const microvm = `${microvms}/{microvm}`;
const tags = '/2017-03-31/tags/{image}';

function request(operation: string, line: string, members: readonly string[], body?: object): OperationRequest {
  const [status, method, path] = line.split(' ');
  return { operation, method, path, body, status: Number(status), members: [...members].sort() };
}

/** A request of each operation, in an order in which all of them succeed if each deletion finds something of its own. */
export const EVERY_OPERATION: readonly OperationRequest[] = [
  request('CreateMicrovmImage', `201 POST ${images}`, [...BUILT, 'tags'], { name: 'created', ...BUILD_INPUT }),
  request('GetMicrovmImage', `200 GET ${image}`, [...IMAGE, 'tags']),
  request('ListMicrovmImages', `200 GET ${images}`, LIST),
  request('ListMicrovmImageVersions', `200 GET ${image}/versions`, LIST),
  request('GetMicrovmImageVersion', `200 GET ${version}`, VERSION),
  request('UpdateMicrovmImageVersion', `200 PATCH ${version}`, VERSION, { status: 'ACTIVE' }),
  request('ListMicrovmImageBuilds', `200 GET ${version}/builds`, LIST),
  request('GetMicrovmImageBuild', `200 GET ${version}/builds/{build}`, BUILD),
  request('ListManagedMicrovmImages', `200 GET ${managed}`, LIST),
  request('ListManagedMicrovmImageVersions', `200 GET ${managed}/${BASE_IMAGE}/versions`, LIST),
  request('ListTags', `200 GET ${tags}`, ['Tags']),
  request('TagResource', `204 POST ${tags}`, [], { Tags: { stage: 'test' } }),
  request('UntagResource', `204 DELETE ${tags}?tagKeys=stage`, []),
  request('RunMicrovm', `200 POST ${microvms}`, MICROVM, { imageIdentifier: '{image}' }),
  request('GetMicrovm', `200 GET ${microvm}`, MICROVM),
  request('ListMicrovms', `200 GET ${microvms}`, LIST),
  request('SuspendMicrovm', `200 POST ${microvm}/suspend`, []),
  request('ResumeMicrovm', `200 POST ${microvm}/resume`, []),
  request('CreateMicrovmAuthToken', `200 POST ${microvm}/auth-token`, ['authToken'], {
    expirationInMinutes: 60, allowedPorts: [{ allPorts: {} }],
  }),
  request('CreateMicrovmShellAuthToken', `200 POST ${microvm}/shell-auth-token`, ['authToken'], { expirationInMinutes: 60 }),
  request('TerminateMicrovm', `200 DELETE ${microvm}`, []),
  request('UpdateMicrovmImage', `200 PUT ${image}`, BUILT, BUILD_INPUT),
  request('DeleteMicrovmImageVersion', `200 DELETE ${version}`, ['imageIdentifier', 'imageVersion', 'state']),
  request('DeleteMicrovmImage', `200 DELETE ${image}`, ['imageIdentifier', 'state']),
];
