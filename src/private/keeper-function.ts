import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { fingerprintOf } from './fingerprint';
import { HandlerFunction } from './handler-function';
import { anyMicrovmArn } from './microvm-arns';
import type { MicrovmStart } from './microvm-statements';
import { microvmStatement, startStatements } from './microvm-statements';
import { acknowledgeWildcard, ONLY_WILDCARD } from './nag-suppressions';
import type { PoolFunctionProps } from './pool-function';
import { poolFunctionSurroundings, tableStatements } from './pool-function';
import { KEEPER_TIMEOUT_SECONDS, POOL_CONFIGURATION_VARIABLE } from '../contract/pool';

/** Ends what has run out or was left behind, once a minute, and everything when the pool is deleted. */
export class KeeperFunction extends HandlerFunction {
  /** Starts it every minute. */
  public readonly schedule: events.Rule;

  constructor(scope: Construct, id: string, props: PoolFunctionProps) {
    const { logGroup, role } = poolFunctionSurroundings(scope, id, props);
    tableStatements(props, ['dynamodb:Query', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem'])
      .forEach((statement) => role.addToPolicy(statement));
    allowMicrovms(role, props.start);
    acknowledgeWildcard(role, anyMicrovmArn(scope), ONLY_WILDCARD);
    super(scope, id, {
      name: 'keeper',
      entry: 'handler',
      description: `keeper: ends what ran out or was left behind in ${scope.node.path}`.slice(0, 256),
      // A pass of the schedule begins nothing new after 45 seconds, and finishes what it began.
      timeout: Duration.seconds(KEEPER_TIMEOUT_SECONDS),
      environment: { [POOL_CONFIGURATION_VARIABLE]: props.configuration },
      environmentEncryption: props.encryptionKey,
      logGroup,
      role,
    });
    this.schedule = new events.Rule(scope, `${id}Schedule`, {
      description: `Starts the keeper of ${scope.node.path}`.slice(0, 512),
      schedule: events.Schedule.rate(Duration.minutes(1)),
      // The next minute is the retry.
      targets: [new targets.LambdaFunction(this, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
    });
  }
}

/**
 * A policy of its own for what names the image, the connectors and the role, with an id that changes with them: CloudFormation makes the
 * new policy before it updates the pool, and deletes the former one after. In between the keeper ends what the pool started before.
 */
function allowMicrovms(role: iam.Role, start: MicrovmStart): void {
  new iam.Policy(role, `Microvms${fingerprintOfStart(role, start)}`, {
    roles: [role],
    statements: [
      // An abandoned launch is asked for again, with its own client token, to learn which microVM came of it.
      ...startStatements(start),
      microvmStatement(role, start.imageArn, ['lambda:GetMicrovm', 'lambda:TerminateMicrovm']),
    ],
  });
}

/** An image that is renamed is another one under the same reference. */
function fingerprintOfStart(scope: Construct, start: MicrovmStart): string {
  const { imageArn, imageName = '', executionRoleArn = '' } = start;
  const connectorArns = [...start.ingressConnectorArns, ...start.egressConnectorArns];
  return fingerprintOf(scope, imageArn, imageName, executionRoleArn, ...connectorArns).slice(0, 8);
}
