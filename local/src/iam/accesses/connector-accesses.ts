import type { Access } from '../authorization';
import type { AccessCall } from './access-sources';
import { asList, asMembers, asString, bodyOf, decoded, requestTags } from './access-sources';

/** The rights that an operation on network connectors needs. */
export function connectorAccesses(call: AccessCall): Access[] {
  const { operation, request, sources: { region, account } } = call;
  const action = `lambda:${operation}`;
  if (operation === 'CreateNetworkConnector') return created(call);
  if (operation === 'ListNetworkConnectors') return [{ action, resource: '*' }];
  // After the date and the kind of resource.
  const identifier = decoded(request.path.split('/')[3] ?? '');
  const resource = identifier.startsWith('arn:') ? identifier : `arn:aws:lambda:${region}:${account}:network-connector:${identifier}`;
  const { OperatorRole, Tags } = bodyOf(request);
  if (operation === 'TagResource') return [{ action, resource, context: requestTags(asMembers(Tags)) }];
  if (operation === 'UntagResource') return [{ action, resource, context: { 'aws:TagKeys': request.query.getAll('tagKeys') } }];
  return [{ action, resource }, ...(operation === 'UpdateNetworkConnector' ? passedRole(OperatorRole) : [])];
}

function created({ request, sources: { region, account } }: AccessCall): Access[] {
  const { Configuration, OperatorRole, Tags } = bodyOf(request);
  const { SubnetIds, SecurityGroupIds } = asMembers(asMembers(Configuration).VpcEgressConfiguration);
  const tags = requestTags(asMembers(Tags));
  const names = (value: unknown): string[] => asList(value).map(asString);
  const context = { 'lambda:SubnetIds': names(SubnetIds), 'lambda:SecurityGroupIds': names(SecurityGroupIds), ...tags };
  // Its id is the service's to choose.
  const resource = `arn:aws:lambda:${region}:${account}:network-connector:*`;
  const hasTags = Object.keys(asMembers(Tags)).length > 0;
  return [
    { action: 'lambda:CreateNetworkConnector', resource, context },
    ...passedRole(OperatorRole),
    ...(hasTags ? [{ action: 'lambda:TagResource', resource, context: tags }] : []),
  ];
}

function passedRole(role: unknown): Access[] {
  const context = { 'iam:PassedToService': 'lambda.amazonaws.com' };
  return typeof role === 'string' && role !== '' ? [{ action: 'iam:PassRole', resource: role, context }] : [];
}
