import type { AuthorizationRequest } from 'microvm-sandbox-local';
import { authorize } from '../../authorize';

const ACCOUNT = '000000000000';
const allow = (Action: string | string[], Resource: string | string[], Condition?: object) => ({ Effect: 'Allow', Action, Resource, ...(Condition && { Condition }) });
const policy = (...Statement: object[]) => ({ Version: '2012-10-17', Statement });
const named = (document: object) => ({ name: 'Policy', document });

function request(action: string, resource: string, rest: Partial<AuthorizationRequest> = {}): AuthorizationRequest {
  return {
    principal: `arn:aws:sts::${ACCOUNT}:assumed-role/Role/session`,
    action,
    resource,
    resourceAccount: ACCOUNT,
    identityPolicies: [],
    context: { 'aws:SecureTransport': 'true', 'aws:CurrentTime': '2026-01-01T00:00:00Z', 'aws:SourceAccount': ACCOUNT, ...rest.context },
    ...rest,
  };
}

const IMAGE = `arn:aws:lambda:us-east-1:${ACCOUNT}:microvm-image:one`;

test('allows what an inline policy allows, on this resource only', async () => {
  const identityPolicies = [named(policy(allow('lambda:RunMicrovm', IMAGE)))];
  expect(await authorize(request('lambda:RunMicrovm', IMAGE, { identityPolicies }))).toEqual({ allowed: true });
  expect(await authorize(request('lambda:RunMicrovm', `${IMAGE}x`, { identityPolicies }))).toMatchObject({ allowed: false });
});

test.each([
  ['lambda:PassNetworkConnector', 'arn:aws:lambda:us-east-1:aws:network-connector:aws-network-connector:INTERNET_EGRESS'],
  ['lambda:TerminateMicrovm', `arn:aws:lambda:us-east-1:${ACCOUNT}:microvm:microvm-1`],
  ['logs:CreateLogStream', `arn:aws:logs:us-east-1:${ACCOUNT}:log-group:/aws/x:log-stream:one`],
  ['lambda:CreateMicrovmImage', '*'],
  ['iam:PassRole', `arn:aws:iam::${ACCOUNT}:role/Build`],
  ['dynamodb:Query', `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/one/index/two`],
  ['s3:GetObject', 'arn:aws:s3:::bucket/key/of/object'],
  ['lambda:InvokeFunction', `arn:aws:lambda:us-east-1:${ACCOUNT}:function:one:1`],
  ['states:StartExecution', `arn:aws:states:us-east-1:${ACCOUNT}:stateMachine:one`],
  ['dynamodb:ConditionCheckItem', `arn:aws:dynamodb:us-east-1:${ACCOUNT}:table/one`],
])('knows %s on %s', async (action, resource) => {
  const identityPolicies = [named(policy(allow(action, resource)))];
  expect(await authorize(request(action, resource, { identityPolicies }))).toEqual({ allowed: true });
  expect(await authorize(request(action, resource))).toMatchObject({ allowed: false });
});

test('a trust policy allows the service it names, with the conditions it has', async () => {
  const resource = `arn:aws:iam::${ACCOUNT}:role/Build`;
  const trust = (Condition?: object) => policy({ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole', ...(Condition && { Condition }) });
  const ask = (resourcePolicy: object, principal = 'lambda.amazonaws.com', action = 'sts:AssumeRole') => authorize(request(action, resource, { principal, resourcePolicy }));
  expect(await ask(trust())).toEqual({ allowed: true });
  expect(await ask(trust({ StringEquals: { 'aws:SourceAccount': ACCOUNT } }))).toEqual({ allowed: true });
  expect(await ask(trust({ StringEquals: { 'aws:SourceAccount': '111111111111' } }))).toMatchObject({ allowed: false });
  expect(await ask(trust({ ArnLike: { 'aws:SourceArn': 'arn:aws:lambda:*:*:microvm-image:*' } }))).toMatchObject({ allowed: false });
  expect(await ask(trust(), 'lambda.amazonaws.com', 'sts:TagSession')).toMatchObject({ allowed: false });
  expect(await ask(trust(), 'states.amazonaws.com')).toMatchObject({ allowed: false });
});

test('says which kind of policy denies', async () => {
  const resource = 'arn:aws:s3:::bucket/key';
  const identityPolicies = [named(policy(allow('s3:*', '*')))];
  const deny = { Effect: 'Deny', Action: 's3:*', Resource: '*' };
  const resourcePolicy = policy({ ...deny, Principal: { AWS: '*' }, Condition: { Bool: { 'aws:SecureTransport': 'false' } } });
  expect(await authorize(request('s3:GetObject', resource, { identityPolicies, resourcePolicy }))).toEqual({ allowed: true });
  const plain = { 'aws:SecureTransport': 'false' };
  expect(await authorize(request('s3:GetObject', resource, { identityPolicies, resourcePolicy, context: plain })))
    .toEqual({ allowed: false, explicitDenyIn: 'resource-based policy' });
  expect(await authorize(request('s3:GetObject', resource, { identityPolicies: [...identityPolicies, { name: 'Deny', document: policy(deny) }] })))
    .toEqual({ allowed: false, explicitDenyIn: 'identity-based policy' });
  const permissionsBoundary = named(policy(allow('logs:*', '*')));
  expect(await authorize(request('s3:GetObject', resource, { identityPolicies, permissionsBoundary }))).toEqual({ allowed: false, outsideBoundary: true });
});

test('fails for an action that AWS does not have', async () => {
  await expect(authorize(request('lambda-microvms:RunMicrovm', IMAGE))).rejects.toThrow('cannot judge lambda-microvms:RunMicrovm');
});
