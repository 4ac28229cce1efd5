import type { Access } from '../authorization';
import type { AccessCall, AccessSources, Members } from './access-sources';
import { asList, asMembers, asString, bodyOf, decoded, requestTags } from './access-sources';

const ON_EVERYTHING = ['ListMicrovms', 'ListMicrovmImages', 'ListManagedMicrovmImages'];
/** Reports from the field: authorised on the image, or on the microVM, by its state. Whoever has both works either way. */
const ON_IMAGE_AND_MICROVM = ['GetMicrovm', 'SuspendMicrovm', 'ResumeMicrovm', 'TerminateMicrovm'];
const ON_IMAGE_OF_MICROVM = ['CreateMicrovmAuthToken', 'CreateMicrovmShellAuthToken'];

/** The rights that an operation of the MicroVMs needs. The prefix of its actions is that of Lambda. */
export function microvmAccesses(call: AccessCall): Access[] {
  const { operation, request } = call;
  const action = `lambda:${operation}`;
  if (operation === 'CreateMicrovmImage') return createImage(call, bodyOf(request));
  if (operation === 'RunMicrovm') return run(call, bodyOf(request));
  if (ON_EVERYTHING.includes(operation)) return [{ action, resource: '*' }];
  // After the date and the kind of resource.
  const identifier = decoded(request.path.split('/')[3] ?? '');
  const isOnMicrovm = ON_IMAGE_OF_MICROVM.includes(operation) || ON_IMAGE_AND_MICROVM.includes(operation);
  if (isOnMicrovm) return onMicrovm(call, identifier);
  const target = onResource(call, identifier);
  if (operation === 'UpdateMicrovmImage') return [target, ...passed(call.sources, bodyOf(request), 'build')];
  if (operation === 'TagResource') return [{ ...target, context: { ...target.context, ...requestTags(asMembers(bodyOf(request).Tags)) } }];
  if (operation === 'UntagResource') return [{ ...target, context: { ...target.context, 'aws:TagKeys': request.query.getAll('tagKeys') } }];
  return [target];
}

function createImage({ sources }: AccessCall, body: Members): Access[] {
  const tags = requestTags(asMembers(body.tags));
  // Evaluated on everything, whatever the image is called.
  const create = { action: 'lambda:CreateMicrovmImage', resource: '*', context: tags };
  const image = `arn:aws:lambda:${sources.region}:${sources.account}:microvm-image:${asString(body.name)}`;
  const hasTags = Object.keys(asMembers(body.tags)).length > 0;
  return [
    create,
    ...passed(sources, body, 'build'),
    ...(hasTags ? [{ action: 'lambda:TagResource', resource: image, context: tags }] : []),
  ];
}

function run(call: AccessCall, body: Members): Access[] {
  const image = asString(body.imageIdentifier).replace(/(:microvm-image:[^:]*):.*$/, '$1');
  return [onResource(call, image), ...passed(call.sources, body, 'run')];
}

/** The role and the connectors that a call passes on: the default ones, too. */
function passed({ region }: AccessSources, body: Members, kind: 'build' | 'run'): Access[] {
  const managed = (name: string): string => `arn:aws:lambda:${region}:aws:network-connector:aws-network-connector:${name}`;
  const named = (member: string, byDefault: string): string[] => {
    const given = asList(body[member]).map(asString);
    return given.length === 0 ? [managed(byDefault)] : given;
  };
  const connectors = [
    ...(kind === 'run' ? named('ingressNetworkConnectors', 'HTTP_INGRESS') : []),
    ...named('egressNetworkConnectors', 'INTERNET_EGRESS'),
  ];
  const role = asString(kind === 'build' ? body.buildRoleArn : body.executionRoleArn);
  // RunMicrovm was seen to deny whoever asks for iam:PassedToService, so it is not there.
  const context: Access['context'] = kind === 'build' ? { 'iam:PassedToService': 'lambda.amazonaws.com' } : {};
  return [
    ...(role === '' ? [] : [{ action: 'iam:PassRole', resource: role, context }]),
    ...connectors.map((resource) => ({ action: 'lambda:PassNetworkConnector', resource })),
  ];
}

function onMicrovm(call: AccessCall, id: string): Access[] {
  const { operation, sources } = call;
  const image = sources.imageOf(id);
  const microvm = { action: `lambda:${operation}`, resource: `arn:aws:lambda:${sources.region}:${sources.account}:microvm:${id}` };
  // What is not there has no image to be authorised on.
  if (image === undefined) return [microvm];
  const onImage = onResource(call, image);
  return ON_IMAGE_AND_MICROVM.includes(operation) ? [onImage, microvm] : [onImage];
}

function onResource({ operation, sources }: AccessCall, resource: string): Access {
  const tags = Object.entries(sources.tagsOf(resource));
  const context = Object.fromEntries(tags.map(([name, value]) => [`aws:ResourceTag/${name}`, value]));
  return { action: `lambda:${operation}`, resource, context };
}
