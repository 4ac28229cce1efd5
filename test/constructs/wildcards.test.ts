import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { allStacks } from './all-stacks';
import { newStack } from './synthesized';

interface Statement {
  readonly Effect: string;
  readonly Action?: string | string[];
  readonly NotAction?: unknown;
  readonly Resource?: unknown;
}

interface TestTemplate {
  readonly Resources: Record<string, { Type: string; Properties?: object }>;
}

/** Actions that take no resource but `*`, each with the source. */
const TAKES_NOTHING_ELSE: Readonly<Record<string, string>> = {
  'lambda:ConnectMicrovm': 'only in the policy of a VPC endpoint, where the guide of the service wants * and a condition on the account',
  'ecr:GetAuthorizationToken': 'the service authorization reference of Amazon ECR lists no resource type for it',
  'lambda:CreateMicrovmImage': 'evaluated on * even for a named image, as seen in the field and as the service authorization reference of Lambda lists it',
  'lambda:ListMicrovms': 'the service authorization reference of Lambda lists no resource type for it',
};

/** In the policy of a key `*` is the key itself, and whoever administers the account must keep the right to it. */
const OF_ITSELF = new Set(['AWS::KMS::Key']);

/** Every statement of a template that allows something, with the resource that holds it. */
function grantsOf(stack: Stack): { readonly holder: string; readonly statement: Statement }[] {
  const { Resources } = Template.fromStack(stack).toJSON() as TestTemplate;
  return Object.entries(Resources).filter(([, { Type }]) => !OF_ITSELF.has(Type)).flatMap(([id, { Properties }]) => (
    statementsIn(Properties).map((statement) => ({ holder: `${stack.stackName}/${id}`, statement }))
  ));
}

/** Wherever they stand: policies of roles, of resources, of endpoints. Trust policies name no resource. */
function statementsIn(value: unknown): Statement[] {
  if (Array.isArray(value)) return value.flatMap(statementsIn);
  if (typeof value !== 'object' || value === null) return [];
  if ('Effect' in value && ('Action' in value || 'NotAction' in value)) return value.Effect === 'Allow' ? [value as Statement] : [];
  return Object.values(value).flatMap(statementsIn);
}

const list = (value: unknown) => [value ?? []].flat().map(String);

/** What a statement grants on everything, or as everything. */
function wide({ Action, NotAction, Resource }: Statement): string[] {
  const actions = list(Action);
  const manyActions = [...actions.filter((action) => action.includes('*')), ...(NotAction === undefined ? [] : ['NotAction'])];
  return list(Resource).includes('*') ? [...actions, ...manyActions] : manyActions;
}

const wideIn = (stacks: Stack[]) => stacks.flatMap(grantsOf).flatMap(({ holder, statement }) => (
  wide(statement).map((action) => ({ holder, action }))
));

let stacks: Stack[];
beforeAll(async () => {
  ({ stacks } = await allStacks());
}, 60_000);

test('nothing is granted on everything but what takes nothing else, and no wildcard stands in an action', () => {
  expect(wideIn(stacks).filter(({ action }) => !(action in TAKES_NOTHING_ELSE))).toEqual([]);
});

test('each exception is needed', () => {
  const used = new Set(wideIn(stacks).map(({ action }) => action));
  expect(Object.keys(TAKES_NOTHING_ELSE).filter((action) => !used.has(action))).toEqual([]);
});

test.each([
  ['a resource', { actions: ['s3:GetObject'], resources: ['*'] }, ['s3:GetObject']],
  ['an action', { actions: ['s3:Get*'], resources: ['arn:aws:s3:::bucket/key'] }, ['s3:Get*']],
  ['all actions but one', { notActions: ['iam:PassRole'], resources: ['arn:aws:s3:::bucket/key'] }, ['NotAction']],
  ['nothing', { actions: ['s3:GetObject'], resources: ['arn:aws:s3:::bucket/*'] }, []],
])('a wildcard as %s is seen', (_name, statement, seen) => {
  const stack = newStack();
  const role = new iam.Role(stack, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
  role.addToPolicy(new iam.PolicyStatement(statement));
  expect(wideIn([stack]).map(({ action }) => action)).toEqual(seen);
});
