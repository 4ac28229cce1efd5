import type { Duration } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledge, FUNCTION } from './nag-suppressions';
import { shippedAsset } from './shipped-assets';

export interface HandlerFunctionProps {
  /** Folder below `lambda/`. */
  readonly name: string;
  /** Exported function of its `index.ts`. */
  readonly entry: string;
  readonly description: string;
  readonly timeout: Duration;
  readonly environment?: Record<string, string>;
  /** Encrypts the environment instead of the key that AWS has for it. */
  readonly environmentEncryption?: kms.IKeyRef;
  readonly logGroup: logs.ILogGroup;
  readonly role: iam.IRole;
}

/** A handler of ours, bundled with its SDK: the one in the Lambda runtime does not know MicroVMs. */
export class HandlerFunction extends lambda.Function {
  constructor(scope: Construct, id: string, props: HandlerFunctionProps) {
    super(scope, id, {
      code: lambda.Code.fromAsset(shippedAsset(`lambda/${props.name}`, 'index.js')),
      handler: `index.${props.entry}`,
      description: props.description,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      memorySize: 512,
      timeout: props.timeout,
      environment: props.environment,
      environmentEncryption: props.environmentEncryption,
      logGroup: props.logGroup,
      role: props.role,
    });
    acknowledge(this, FUNCTION);
  }
}
