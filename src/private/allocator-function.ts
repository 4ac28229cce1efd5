import { Duration } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { HandlerFunction } from './handler-function';
import { anyMicrovmArn } from './microvm-arns';
import { microvmStatement, startStatements } from './microvm-statements';
import { acknowledgeWildcard, ONLY_WILDCARD } from './nag-suppressions';
import type { PoolFunctionProps } from './pool-function';
import { poolFunctionSurroundings, tableStatements } from './pool-function';
import { ALLOCATOR_TIMEOUT_SECONDS, POOL_CONFIGURATION_VARIABLE } from '../contract/pool';

/** Gives sandboxes out: the only function that clients call. */
export class AllocatorFunction extends HandlerFunction {
  constructor(scope: Construct, id: string, props: PoolFunctionProps) {
    const { logGroup, role } = poolFunctionSurroundings(scope, id, props);
    const { imageArn } = props.start;
    [
      ...tableStatements(props, [
        'dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem',
      ]),
      ...startStatements(props.start),
      microvmStatement(scope, imageArn, [
        'lambda:GetMicrovm', 'lambda:SuspendMicrovm', 'lambda:ResumeMicrovm', 'lambda:TerminateMicrovm',
      ]),
      new iam.PolicyStatement({
        // GetMicrovmImage: the current version, for a pool that follows its image, or whose version a deployment has just retired.
        actions: ['lambda:CreateMicrovmAuthToken', 'lambda:GetMicrovmImage'],
        resources: [imageArn],
      }),
    ].forEach((statement) => role.addToPolicy(statement));
    acknowledgeWildcard(role, anyMicrovmArn(scope), ONLY_WILDCARD);
    super(scope, id, {
      name: 'allocator',
      entry: 'handler',
      description: `allocator: gives out sandboxes of ${scope.node.path}`.slice(0, 256),
      timeout: Duration.seconds(ALLOCATOR_TIMEOUT_SECONDS),
      environment: { [POOL_CONFIGURATION_VARIABLE]: props.configuration },
      environmentEncryption: props.encryptionKey,
      logGroup,
      role,
    });
  }
}
