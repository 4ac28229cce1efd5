import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { LocalClock } from '../../../local/src/clock';
import type { RunTask } from '../../../local/src/services/step-functions/execution';
import { execute } from '../../../local/src/services/step-functions/execution';
import { parseDefinition, StateError } from '../../../local/src/services/step-functions/state-machine';
import { startTestCloud } from '../test-cloud';

const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:poll';
const GIVE_UP = 'arn:aws:lambda:us-east-1:000000000000:function:give-up';

/** The waiter that CDK's Provider framework renders. */
const waiter = (IntervalSeconds: number, MaxAttempts: number): string => JSON.stringify({
  StartAt: 'poll',
  States: {
    'poll': {
      End: true,
      Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds, MaxAttempts, BackoffRate: 1 }],
      Catch: [{ ErrorEquals: ['States.ALL'], Next: 'give-up' }],
      Type: 'Task',
      Resource: FUNCTION,
    },
    'give-up': { End: true, Type: 'Task', Resource: GIVE_UP },
  },
});

async function run(definition: string, runTask: RunTask, longestWaitMs = 1000) {
  const waits: number[] = [];
  const clock = new LocalClock();
  const output = await execute(parseDefinition(definition), { in: 1 }, {
    clock: { now: () => 0, after: clock.after.bind(clock), sleep: async (ms) => void waits.push(ms) },
    runTask,
    longestWaitMs,
    stopped: new AbortController().signal,
  });
  return { output, waits };
}

test('polls until the task succeeds, more often than asked and without giving up earlier', async () => {
  let polls = 0;
  const result = await run(waiter(5, 2), async (_, input) => {
    if (++polls < 4) throw new StateError('Retry', '{}');
    return input;
  });
  expect(result).toEqual({ output: { in: 1 }, waits: [1000, 1000, 1000] });
  polls = -100;
  const late = await run(waiter(5, 2), async (arn) => {
    if (arn === GIVE_UP) return 'gave up';
    polls += 1;
    throw new StateError('Retry', '{}');
  });
  expect(late.output).toBe('gave up');
  expect(late.waits.reduce((sum, ms) => sum + ms, 0)).toBe(10_000);
});

test('hands the error and its cause to the state that catches it', async () => {
  const { output } = await run(waiter(1, 1), async (arn, input) => {
    if (arn === GIVE_UP) return input;
    throw new StateError('Odd', '{"errorMessage":"x"}');
  });
  expect(output).toEqual({ Error: 'Odd', Cause: '{"errorMessage":"x"}' });
});

test('lets intervals grow by the backoff rate', async () => {
  const definition = waiter(1, 3).replace('"BackoffRate":1', '"BackoffRate":2');
  const { waits } = await run(definition, async (arn) => {
    if (arn !== GIVE_UP) throw new StateError('Odd', '');
  }, 2000);
  expect(waits).toEqual([1000, 2000, 2000, 2000]);
});

test('fails to take a definition that it would not run faithfully', () => {
  const of = (state: object) => () => parseDefinition(JSON.stringify({ StartAt: 'a', States: { a: state } }));
  expect(of({ Type: 'Map' })).toThrow('the type Map');
  expect(of({ Type: 'Task', Resource: 'arn:aws:states:::sqs:sendMessage' })).toThrow('sqs');
  expect(of({ Type: 'Task', Resource: FUNCTION, ResultPath: '$.x' })).toThrow('ResultPath');
  expect(of({ Type: 'Pass', Next: 'b' })).toThrow('"b"');
});

test('starts an execution through the API and tells how it ended', async () => {
  const cloud = await startTestCloud();
  const client = new SFNClient(cloud.clientConfiguration);
  const definition = { StartAt: 'a', States: { a: { Type: 'Pass', Result: 7, Next: 'b' }, b: { Type: 'Fail', Error: 'Odd', Cause: 'why' } } };
  const stateMachineArn = cloud.services.stepFunctions.create('machine', JSON.stringify(definition), 'role');
  const { executionArn } = await client.send(new StartExecutionCommand({ stateMachineArn, input: '{}' }));
  expect(await client.send(new DescribeExecutionCommand({ executionArn }))).toMatchObject({ status: 'FAILED', error: 'Odd', cause: 'why' });
  await expect(client.send(new StartExecutionCommand({ stateMachineArn: `${stateMachineArn}x` }))).rejects.toMatchObject({ name: 'StateMachineDoesNotExist' });
  client.destroy();
  await cloud.stop();
});

test('fails an execution that goes round without end', async () => {
  const round = { StartAt: 'a', States: { a: { Type: 'Pass', Next: 'b' }, b: { Type: 'Pass', Next: 'a' } } };
  await expect(run(JSON.stringify(round), async () => undefined)).rejects.toMatchObject({
    error: 'States.Runtime', message: 'The execution reached the maximum number of history events (25000).',
  });
});
