import { LambdaClient, UpdateFunctionCodeCommand, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { SFNClient, UpdateStateMachineCommand } from '@aws-sdk/client-sfn';
import type { TestCloud } from '../test-cloud';
import { startTestCloud } from '../test-cloud';

let cloud: TestCloud;
let lambda: LambdaClient;
let sfn: SFNClient;

beforeAll(async () => {
  cloud = await startTestCloud();
  lambda = new LambdaClient(cloud.clientConfiguration);
  sfn = new SFNClient(cloud.clientConfiguration);
});

afterAll(async () => {
  lambda.destroy();
  sfn.destroy();
  await cloud.stop();
});

test.each([
  ['the code of a function', () => lambda.send(new UpdateFunctionCodeCommand({ FunctionName: 'f', S3Bucket: 'b', S3Key: 'k' }))],
  ['the configuration of a function', () => lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'f', MemorySize: 256 }))],
  ['a state machine', () => sfn.send(new UpdateStateMachineCommand({ stateMachineArn: 'arn:aws:states:us-east-1:000000000000:stateMachine:m', definition: '{}' }))],
])('fails on a change of %s behind its stack\'s back, and says what to do', async (_, call) => {
  await expect(call()).rejects.toMatchObject({ name: 'InvalidParameterValueException', message: expect.stringContaining('deploy without --hotswap') });
});
