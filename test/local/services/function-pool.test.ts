import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalClock } from '../../../local/src/clock';
import { bootstrapFile } from '../../../local/src/services/lambda/bootstrap-file';
import { FunctionPool } from '../../../local/src/services/lambda/function-pool';
import { FunctionProcess } from '../../../local/src/services/lambda/function-process';

const FIVE_MINUTES_MS = 5 * 60_000;
const folder = mkdtempSync(join(tmpdir(), 'function-pool-'));
const started: FunctionProcess[] = [];
const pool = new FunctionPool(() => {
  const process = new FunctionProcess({
    clock: new LocalClock(),
    bootstrapFile: bootstrapFile(folder),
    bootstrapOptions: '{}',
    folder,
    environment: { _HANDLER: 'index.handler', LAMBDA_TASK_ROOT: folder },
    onLog: () => undefined,
    staleAt: Infinity,
  });
  started.push(process);
  return process;
});
const invoke = () => pool.invoke({ requestId: '1', payload: '{}', clockOffsetMs: 0, functionArn: '' }, 20);

beforeAll(() => writeFileSync(join(folder, 'index.js'), 'exports.handler = async () => 0;'));
afterAll(async () => {
  jest.useRealTimers();
  await pool.stop();
  rmSync(folder, { recursive: true });
});

test('a process ends after five minutes without work', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'Date'] });
  await invoke();
  jest.advanceTimersByTime(FIVE_MINUTES_MS - 1);
  await invoke();
  expect(started).toHaveLength(1);

  jest.advanceTimersByTime(FIVE_MINUTES_MS - 1);
  expect(pool.size).toBe(1);
  jest.advanceTimersByTime(1);
  expect(pool.size).toBe(0);
  await started[0].exited;
  await invoke();
  expect(started).toHaveLength(2);
});
