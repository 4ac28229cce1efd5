import { CustomResource, Duration } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import * as customResources from 'aws-cdk-lib/custom-resources';
import type { Construct } from 'constructs';
import { handlerRole } from './handler-role';
import type { MicrovmStart } from './microvm-statements';
import { acknowledgeFramework } from './nag-suppressions';
import type { PoolResourceProperties } from '../contract/pool';
import { POOL_RESOURCE_TYPE } from '../contract/pool';

export interface PoolResourceProps {
  readonly keeper: lambda.IFunction;
  readonly logGroup: logs.ILogGroup;
  readonly start: MicrovmStart;
  readonly encryptionKey?: kms.IKeyRef;
}

/**
 * Stands for the sandboxes of a pool: CloudFormation deletes it before the keeper, its rights, the table and the image, and the keeper
 * ends them all then. When its properties change, the keeper ends those that the pool cannot serve any more. A change of its logical id
 * would end the sandboxes of a pool that stays.
 */
export class PoolResource extends CustomResource {
  constructor(scope: Construct, id: string, { keeper, logGroup, start, encryptionKey }: PoolResourceProps) {
    const provider = new customResources.Provider(scope, 'Provider', {
      onEventHandler: keeper,
      logGroup,
      frameworkOnEventRole: handlerRole(scope, 'ProviderRole', logGroup),
      providerFunctionEnvEncryption: encryptionKey,
    });
    acknowledgeFramework(scope, provider);
    super(scope, id, {
      resourceType: POOL_RESOURCE_TYPE,
      serviceToken: provider.serviceToken,
      // The provider's function has 15 minutes and answers before they are over.
      serviceTimeout: Duration.minutes(20),
      properties: renderProperties(start),
    });
  }
}

function renderProperties(start: MicrovmStart): Omit<PoolResourceProperties, 'ServiceToken'> {
  return {
    ImageArn: start.imageArn,
    ConnectorArns: [...start.ingressConnectorArns, ...start.egressConnectorArns],
    ExecutionRoleArn: start.executionRoleArn,
  };
}
