import { App, CfnOutput, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { SandboxExecutionRole, SandboxImage, SandboxPool } from 'cdk-microvm-sandbox';

/** Everything that can be encrypted with a key of one's own is. */
const stack = new Stack(new App(), 'IntegEncrypted');
const encryptionKey = new kms.Key(stack, 'Key', { enableKeyRotation: true, removalPolicy: RemovalPolicy.DESTROY });
const image = new SandboxImage(stack, 'Image', { encryptionKey });
const pool = new SandboxPool(stack, 'Pool', { image, encryptionKey, executionRole: new SandboxExecutionRole(stack, 'SandboxRole') });
new CfnOutput(stack, 'SandboxPool', { value: pool.allocatorArn });
