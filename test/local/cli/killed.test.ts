import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  CreateMicrovmImageCommand, GetMicrovmCommand, GetMicrovmImageCommand, LambdaMicrovmsClient, ListMicrovmsCommand,
  RunMicrovmCommand,
} from '@aws-sdk/client-lambda-microvms';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Stack } from 'aws-cdk-lib';
import { CfnOutput, Duration } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Ready } from './program';
import { processesWith, ProgramHome } from './program';
import { inlineFunction, removeAssemblies, synthesize } from '../deploy/synthesized';
import { guest } from '../microvms/guests';
import { describeEachIsolation } from '../microvms/isolations';
import { zip } from '../microvms/microvm-cloud';

let home: ProgramHome;
let mark: string;

beforeEach(() => {
  home = new ProgramHome();
  mark = `7${Math.floor(Math.random() * 1e9)}.5`;
});

afterEach(async () => {
  await home.end();
  for (const pid of processesWith(mark)) process.kill(pid, 'SIGKILL');
  removeAssemblies();
});

/** Processes that leave their parents, sessions and groups. */
const FLEE = (time: string) => `require('node:child_process').spawn('setsid', ['sh', '-c', '(setsid sleep ${time} &); sleep ${time}'], { detached: true, stdio: 'ignore' });`;

const app = (scope: Stack) => {
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  role.assumeRolePolicy?.addStatements(new PolicyStatement({ actions: ['sts:TagSession'], principals: [new ServicePrincipal('lambda.amazonaws.com')] }));
  const code = `exports.handler = async () => { process.removeAllListeners('disconnect'); ${FLEE(mark)} Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); }`;
  const { functionName } = inlineFunction(scope, 'Handler', code, { timeout: Duration.minutes(15) });
  new CfnOutput(scope, 'RoleArn', { value: role.roleArn });
  new CfnOutput(scope, 'Name', { value: functionName });
};

async function eventually(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 15_000; !await holds();) {
    if (Date.now() > end) throw new Error(`not within 15 s: ${what}`);
    await new Promise((resume) => setTimeout(resume, 25));
  }
}

function configurationOf({ env }: Ready) {
  const credentials = { accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: env.AWS_SECRET_ACCESS_KEY };
  return { endpoint: env.AWS_ENDPOINT_URL, region: env.AWS_REGION, credentials };
}

function microvmsOf(ready: Ready): LambdaMicrovmsClient {
  return new LambdaMicrovmsClient(configurationOf(ready));
}

/** A function that hangs and a microVM, both with processes that try to stay; answers the microVM's id. */
async function fill(ready: Ready): Promise<string> {
  const configuration = configurationOf(ready);
  const { outputs } = ready.stacks[0];
  await new LambdaClient(configuration).send(new InvokeCommand({ FunctionName: outputs.Name, InvocationType: 'Event' }));
  const s3 = new S3Client(configuration);
  await s3.send(new CreateBucketCommand({ Bucket: 'artifacts' }));
  await s3.send(new PutObjectCommand({ Bucket: 'artifacts', Key: 'a.zip', Body: await zip(guest(`${FLEE(mark)} setInterval(() => {}, 1000);`)) }));
  const microvms = microvmsOf(ready);
  const { imageArn = '' } = await microvms.send(new CreateMicrovmImageCommand({
    name: 'fleeing', baseImageArn: 'arn:aws:lambda:us-east-1:aws:microvm-image:al2023-1', buildRoleArn: outputs.RoleArn, codeArtifact: { uri: 's3://artifacts/a.zip' },
  }));
  await eventually('the image', async () => (await microvms.send(new GetMicrovmImageCommand({ imageIdentifier: imageArn }))).state === 'CREATED');
  const { microvmId = '' } = await microvms.send(new RunMicrovmCommand({ imageIdentifier: imageArn }));
  await eventually('the microVM', async () => (await microvms.send(new GetMicrovmCommand({ microvmIdentifier: microvmId }))).state === 'RUNNING');
  // Of the function a setsid, a shell and two sleeps, and as much of the microVM, where it can be seen.
  await eventually('the processes', () => processesWith(mark).length >= 4);
  return microvmId;
}

function stateOf(folder: string): string {
  const path = join(folder, 'state.json');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

describeEachIsolation((isolation) => {
  // Where the state is does not hang on the isolation, so each way is tried once.
  const isKept = isolation === 'namespaces';
  test(`after kill -9 ${isKept ? 'with kept state' : 'in a temporary folder'} the next start leaves nothing of it`, async () => {
    const args = ['--isolation', isolation, ...(isKept ? ['--state', `${home.folder}/kept`] : [])];
    const first = await home.start(...args, '--app', synthesize(app));
    const microvmId = await fill(first.ready);
    // The state is written a moment after what happened.
    if (isKept) await eventually('the microVM in the state', () => stateOf(`${home.folder}/kept`).includes(microvmId));
    first.program.kill('SIGKILL');
    expect(await first.program.exit).toBe('SIGKILL');

    const second = await home.start(...args);
    await eventually('the end of all processes', () => processesWith(mark).length === 0);
    expect(home.cloudFolders()).toHaveLength(isKept ? 0 : 1);
    expect(home.runFiles()).toHaveLength(1);
    const { items = [] } = await microvmsOf(second.ready).send(new ListMicrovmsCommand({}));
    expect(items).toMatchObject(isKept ? [{ microvmId, state: 'TERMINATED' }] : []);
    second.program.kill('SIGTERM');
    expect(await second.program.exit).toBe(0);
    expect(processesWith(home.folder)).toEqual([]);
  }, 120_000);
});
