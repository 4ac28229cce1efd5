import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type { Construct } from 'constructs';
import { HandlerFunction, handlerSurroundings } from './handler-function';
import { anyMicrovmArn } from './microvm-arns';
import { microvmStatement, startStatements } from './microvm-statements';
import { acknowledgeWildcard, ONLY_WILDCARD } from './nag-suppressions';
import type { PoolFunctionProps } from './pool-function';
import { tableStatement } from './pool-function';
import { POOL_CONFIGURATION_VARIABLE } from '../contract/pool';

/** Ends what has run out or was left behind, once a minute. */
export class KeeperFunction extends HandlerFunction {
  constructor(scope: Construct, id: string, props: PoolFunctionProps) {
    const { logGroup, role } = handlerSurroundings(scope, id, props.logRetention);
    [
      tableStatement(props.table, ['dynamodb:Query', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem']),
      // An abandoned launch is asked for again, with its own client token, to learn which microVM came of it.
      ...startStatements(props.start),
      microvmStatement(scope, props.start.imageArn, ['lambda:TerminateMicrovm']),
    ].forEach((statement) => role.addToPolicy(statement));
    acknowledgeWildcard(role, anyMicrovmArn(scope), ONLY_WILDCARD);
    super(scope, id, {
      name: 'keeper',
      entry: 'handler',
      description: `keeper: ends what ran out or was left behind in ${scope.node.path}`.slice(0, 256),
      // A pass begins nothing new after 45 seconds, and finishes what it began.
      timeout: Duration.minutes(2),
      environment: { [POOL_CONFIGURATION_VARIABLE]: props.configuration },
      logGroup,
      role,
    });
    new events.Rule(scope, `${id}Schedule`, {
      description: `Starts the keeper of ${scope.node.path}`.slice(0, 512),
      schedule: events.Schedule.rate(Duration.minutes(1)),
      // The next minute is the retry.
      targets: [new targets.LambdaFunction(this, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
    });
  }
}
