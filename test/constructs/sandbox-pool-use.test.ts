import type { Stack } from 'aws-cdk-lib';
import { Aws, CfnParameter } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import * as iam from 'aws-cdk-lib/aws-iam';
import { SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';
import { ACCOUNT, LAMBDA_ARN, newStack, readable, resourcesOf, statementsOf } from './synthesized';

const OTHER_ACCOUNT = '210987654321';
const THEIR_ROLE = `arn:aws:iam::${OTHER_ACCOUNT}:role/theirs`;
const WARNING = Match.stringLikeRegexp('grantUse: the pool is imported');

function poolIn(stack: Stack): SandboxPool {
  const image = SandboxImage.fromSandboxImageAttributes(stack, 'Image', { imageArn: `${LAMBDA_ARN}:microvm-image:theirs` });
  return new SandboxPool(stack, 'Pool', { image });
}

/** Who is let in by the allocator itself. */
const permitted = (stack: Stack) => resourcesOf(stack, 'AWS::Lambda::Permission')
  .map(({ Properties }) => readable(Properties) as { FunctionName: string; Action: string; Principal: string })
  .filter(({ FunctionName }) => FunctionName === 'arn:<PoolAllocator.Arn>')
  .map(({ Action, Principal }) => [Action, Principal]);
const INVOKE = 'lambda:InvokeFunction';

describe('whoever may use a pool is let in by the allocator, too', () => {
  test.each<[string, (stack: Stack) => iam.IGrantable, string]>([
    ['a role of another account', (stack) => iam.Role.fromRoleArn(stack, 'Theirs', THEIR_ROLE), THEIR_ROLE],
    ['another account', () => new iam.AccountPrincipal(OTHER_ACCOUNT), OTHER_ACCOUNT],
    ['an account that only the deployment knows', (stack) => new iam.AccountPrincipal(new CfnParameter(stack, 'Account').valueAsString), '<Account>'],
    [
      'a role of an account that only the deployment knows',
      (stack) => iam.Role.fromRoleArn(stack, 'Theirs', new CfnParameter(stack, 'RoleArn').valueAsString), '<RoleArn>',
    ],
    ['whoever has an ARN', () => new iam.ArnPrincipal(THEIR_ROLE), THEIR_ROLE],
  ])('%s', (_, granteeIn, principal) => {
    const stack = newStack();
    const grant = poolIn(stack).grantUse(granteeIn(stack));
    expect(grant.success).toBe(true);
    expect(permitted(stack)).toEqual([[INVOKE, principal]]);
  });
});

test('two grants to one principal are one permission', () => {
  const stack = newStack();
  const pool = poolIn(stack);
  pool.grantUse(new iam.AccountPrincipal(OTHER_ACCOUNT));
  pool.grantUse(new iam.AccountPrincipal(OTHER_ACCOUNT));
  pool.grantUse(new iam.AccountPrincipal('111111111111'));
  expect(permitted(stack)).toEqual([[INVOKE, OTHER_ACCOUNT], [INVOKE, '111111111111']]);
});

describe('whoever is of the pool\'s account is granted by its own policy alone', () => {
  test.each<[string, (stack: Stack) => iam.IGrantable]>([
    ['a role of the app', (stack) => new iam.Role(stack, 'User', { assumedBy: new iam.AccountRootPrincipal() })],
    ['a role that was imported', (stack) => iam.Role.fromRoleArn(stack, 'User', `arn:aws:iam::${ACCOUNT}:role/theirs`)],
    ['a user', (stack) => new iam.User(stack, 'User')],
  ])('%s', (_, granteeIn) => {
    const stack = newStack();
    expect(poolIn(stack).grantUse(granteeIn(stack)).success).toBe(true);
    expect(permitted(stack)).toEqual([]);
    expect(JSON.stringify(resourcesOf(stack, 'AWS::IAM::Policy'))).toContain(INVOKE);
  });
});

describe('a pool that is imported', () => {
  const importIn = (stack: Stack, allocatorArn = `${LAMBDA_ARN}:function:theirs`) => (
    SandboxPool.fromSandboxPoolAttributes(stack, 'Pool', { allocatorArn })
  );

  test.each<[string, (stack: Stack) => iam.IGrantable, string]>([
    ['of another account', (stack) => iam.Role.fromRoleArn(stack, 'Theirs', THEIR_ROLE), OTHER_ACCOUNT],
    ['without policies', () => new iam.AccountPrincipal(OTHER_ACCOUNT), OTHER_ACCOUNT],
    ['whose account is a token, without policies', () => new iam.AccountPrincipal(Aws.ACCOUNT_ID), '<account>'],
  ])('tells what its stack has to grant to a principal %s', (_, granteeIn, account) => {
    const stack = newStack();
    importIn(stack).grantUse(granteeIn(stack));
    Annotations.fromStack(stack).hasWarning('/Stack/Pool', Match.stringLikeRegexp(`grantUse\\(new iam\\.AccountPrincipal\\('${account}'\\)\\)`));
    expect(resourcesOf(stack, 'AWS::Lambda::Permission')).toEqual([]);
  });

  test('of another account is granted to a role of this one, and tells the rest', () => {
    const stack = newStack();
    const role = new iam.Role(stack, 'User', { assumedBy: new iam.AccountRootPrincipal() });
    const allocatorArn = `arn:aws:lambda:us-east-1:${OTHER_ACCOUNT}:function:theirs`;
    importIn(stack, allocatorArn).grantUse(role);
    expect(statementsOf(stack, 'User')).toEqual([{ Action: [INVOKE], Resource: [allocatorArn] }]);
    Annotations.fromStack(stack).hasWarning('/Stack/Pool', Match.stringLikeRegexp(`AccountPrincipal\\('${ACCOUNT}'\\)`));
  });

  test.each([
    ['of the same account', () => `${LAMBDA_ARN}:function:theirs`],
    ['of an account that only the deployment knows', (stack: Stack) => new CfnParameter(stack, 'PoolArn').valueAsString],
  ])('%s is granted without a word', (_, arnIn) => {
    const stack = newStack();
    importIn(stack, arnIn(stack)).grantUse(new iam.Role(stack, 'User', { assumedBy: new iam.AccountRootPrincipal() }));
    Annotations.fromStack(stack).hasNoWarning('*', WARNING);
  });
});
