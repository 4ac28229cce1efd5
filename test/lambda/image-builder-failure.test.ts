import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BuilderFixture, event, PROPERTIES } from './builder-fixture';
import { refuse } from './fake-microvms';
import { cloudFormationError, cut, jsonBytes, messageBytes } from '../../lambda/image-builder/cloudformation-error';
import { MEANINGS, meaningOfProgress } from '../../lambda/image-builder/failure-meanings';
import { logged } from '../../lambda/image-builder/logged';
import { mask, withoutControls } from '../../lambda/image-builder/mask';

let { images, logs, clock, lines, start, measured } = new BuilderFixture();
beforeEach(() => {
  ({ images, logs, clock, lines, start, measured } = new BuilderFixture());
});

type Outcome = Parameters<typeof images.finish>[1];

const failed = (...reasons: (string | undefined)[]): NonNullable<Outcome> => ({
  state: 'FAILED',
  builds: reasons.map((stateReason) => ({ state: stateReason === 'ok' ? 'SUCCESSFUL' : 'FAILED', stateReason })),
});

/** What the framework is thrown when the build ends like this. */
async function message(outcome: Outcome, request: any = event()): Promise<string> {
  const { look, handed } = await start(request);
  await look();
  images.finish('agent', outcome);
  return logged(() => undefined, 'isComplete', handed, look).then(() => 'complete', (error: Error) => error.message);
}

/** Puts lines into a stream of the build's day. */
function logLines(messages: string[], stream = '[1.0]microvm-1', timestamp = clock.time): void {
  const day = new Date(clock.time).toISOString().slice(0, 10).replaceAll('-', '/');
  logs.lines.push(...messages.map((text) => ({ stream: `${day}${stream}`, timestamp, message: text })));
}

/** As CDK's framework puts it into its answer. */
function answerBytes(request: any, text: string): number {
  const { StackId, RequestId, LogicalResourceId, PhysicalResourceId } = request;
  const Reason = [text, '', `Logs: /aws/lambda/${'f'.repeat(64)}`, ''].join('\n');
  return Buffer.byteLength(JSON.stringify({ Status: 'FAILED', Reason, StackId, RequestId, PhysicalResourceId, LogicalResourceId, NoEcho: true }));
}

describe('a failed build', () => {
  it('names image, version, the build that failed, its reason, what it means, the log, and shows its end', async () => {
    logLines(['#5 RUN make', 'make: *** no rule'], '[0.0]microvm-1');
    expect(await message(failed('The container image build failed.', 'ok'))).toBe(
      'Image agent, version 1.0, failed to build. Build for GRAVITON 4: The container image build failed '
      + '(a step of the Dockerfile failed; the log has its output. With an empty log, the build role cannot write to the log group). '
      + 'Build log: log group /aws/lambda-microvms/agent, stream 2027/01/15[0.0]microvm-1.\n'
      + 'Last lines of the log:\n| #5 RUN make\n| make: *** no rule',
    );
  });

  it('names both builds when both failed, one reason once', async () => {
    const text = await message(failed('DISK_STORAGE_FULL', 'Ready hook invocation timed out after PT5M'));
    expect(text).toContain('Build for GRAVITON 4: DISK_STORAGE_FULL (');
    expect(text).toContain('Build for GRAVITON 3: Ready hook invocation timed out after PT5M (');
    ({ images, logs, clock, lines, start } = new BuilderFixture());
    const same = await message(failed('ARCHIVE_INVALID', 'ARCHIVE_INVALID'));
    expect(same).toContain('Build for GRAVITON 4 and GRAVITON 3: ARCHIVE_INVALID (');
    expect(same.split('ARCHIVE_INVALID')).toHaveLength(2);
  });

  it.each([
    ['S3_ACCESS_DENIED', 'the build role may not read the artifact'],
    ['S3_NO_SUCH_KEY', 'the artifact is not in its bucket'],
    ['S3_NO_SUCH_BUCKET', 'the artifact bucket does not exist'],
    ['S3_INVALID_OBJECT', 'archive storage class'],
    ['S3_CROSS_REGION_ACCESS_DENIED', 'another Region'],
    ['ARCHIVE_DOCKERFILE_NOT_FOUND', 'no Dockerfile at its root'],
    ['ARCHIVE_INVALID', 'no zip file'],
    ['CONTAINER_BUILD_FAILED', 'a step of the Dockerfile failed'],
    ['DISK_STORAGE_FULL', 'does not fit'],
    ['INTERNAL_PLATFORM_ERROR', 'deploy again'],
    ['Internal service error.', 'deploy again'],
    ['The container image build failed.', 'a step of the Dockerfile failed'],
    ['Ready hook invocation timed out after PT5M', 'did not answer /ready'],
    ['Validate hook invocation timed out after PT10M', 'did not answer /validate'],
    ['Ready hook check failed: the application returned a server error (HTTP 5xx) response', 'neither 200 nor 503'],
    ['Ready hook check failed: the application returned a client error (HTTP 4xx) response', 'neither 200 nor 503'],
    ['Validate hook check failed: the application returned a client error (HTTP 4xx) response', 'neither 200 nor 503'],
    ['Lambda was unable to assume the role', 'sts:TagSession'],
    ['pull access denied for 1.dkr.ecr.us-east-1.amazonaws.com/a', 'ECR rights'],
    ['NotStabilized', 'leave IPv6'],
    ['Container Stopped with Exit Code: 127', 'not executable or not there'],
  ])('says what %s usually means', async (reason, meaning) => {
    const text = await message(failed(reason));
    expect(text).toContain(reason.replace(/\.$/, ''));
    expect(text).toContain(meaning);
  });

  it('repeats a reason that it does not know', async () => {
    expect(await message({ ...failed('The secret of recreation.'), progress: undefined })).toContain('Build for GRAVITON 4: The secret of recreation (');
  });

  it.each([
    [{ hasCode: false, hasSnapshot: false }, 'no container came out of the Dockerfile'],
    [{ hasCode: true, hasSnapshot: false }, 'the application never became ready'],
    [{ hasCode: true, hasSnapshot: true }, 'look at /validate'],
  ])('tells from what there is of the snapshot where a build without a reason stopped: %#', async (progress, words) => {
    const text = await message({ ...failed(undefined), progress });
    expect(text).toContain('the service gave no reason; ');
    expect(text).toContain(words);
  });

  it.each([
    ['takes the version\'s reason where there are no builds', { state: 'FAILED', stateReason: 'Odd thing.' }, 'failed to build. Odd thing. Build log'],
    ['takes the version\'s reason where a build has none', { ...failed(undefined), stateReason: 'Odd thing.' }, 'Build for GRAVITON 4: Odd thing ('],
    ['says so where nobody has a reason', { state: 'FAILED' }, 'the service gave no reason; usual are a hook port'],
  ] as const)('%s', async (_name, outcome, text) => {
    expect(await message(outcome)).toContain(text);
  });

  it('is told although nothing more can be read about it', async () => {
    images.faults.push(...['listBuilds', 'buildProgress'].map((operation) => (
      { operation, when: 'before' as const, error: refuse('refused', operation, 'not authorized') }
    )));
    logs.error = Object.assign(new Error('no'), { name: 'AccessDeniedException' });
    expect(await message(failed('ARCHIVE_INVALID'))).toContain('failed to build. the service gave no reason');
    expect(lines).toContainEqual(expect.objectContaining({ message: 'cannot read the build log', error: 'AccessDeniedException' }));
  });

  it('is counted', async () => {
    await message(failed('ARCHIVE_INVALID'));
    expect(measured('BuildFailed')).toEqual([1]);
  });
});

describe('the page about images', () => {
  const rows = readFileSync(join(__dirname, '..', '..', 'docs', 'images.md'), 'utf8').split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()));

  it.each(MEANINGS)('names the reason %s with its meaning', (reason, meaning) => {
    expect(rows.filter(([, said, meant]) => reason.test(said ?? '') && meant === meaning)).toHaveLength(1);
  });

  it.each([
    { hasCode: false, hasSnapshot: false }, { hasCode: true, hasSnapshot: false }, { hasCode: true, hasSnapshot: true },
  ])('says what a failure without a reason means: %j', (progress) => {
    expect(rows.filter(([,, meant]) => meant === meaningOfProgress(progress))).toHaveLength(1);
  });

  it('names no meaning that is none', () => {
    const from = rows.findIndex(([, said]) => said === 'the service says') + 2;
    const table = rows.slice(from, rows.findIndex((cells, index) => index > from && cells.length === 1));
    expect(table).toHaveLength(MEANINGS.length + 3);
  });
});

describe('a build\'s log', () => {
  it('is looked for again for half a minute, because it comes late', async () => {
    let asked = 0;
    logs.onQuery = () => {
      asked += 1;
      if (asked === 7) logLines(['late']);
    };
    expect(await message(failed('ARCHIVE_INVALID'))).toContain('| late');
    expect(clock.sleeps).toEqual([5000, 5000, 5000]);
  });

  it('is done without after that', async () => {
    expect(await message(failed('ARCHIVE_INVALID'))).toContain('log group /aws/lambda-microvms/agent (no lines of this build arrived there).');
    expect(clock.sleeps).toEqual(Array.from({ length: 6 }, () => 5000));
  });

  it('is that of this version or of the container\'s build, and not of runs or of other versions', async () => {
    logLines(['of another version'], '[2.0]microvm-1', clock.time + 9);
    logLines(['of long ago'], '[0.0]microvm-0', clock.time - 3_600_000);
    logLines(['of the container'], '[0.0]microvm-1', clock.time);
    logLines(['of the application'], '[1.0]microvm-2', clock.time + 1);
    const text = await message(failed('Ready hook invocation timed out after PT5M'));
    expect(text).toContain('| of the application');
    expect(text).not.toMatch(/of another version|of long ago|of the container/);
  });

  it('is found on both days of a build that went past midnight', async () => {
    const { look } = await start(event());
    await look();
    clock.time += 20 * 3_600_000;
    logLines(['tomorrow']);
    images.finish('agent', failed('ARCHIVE_INVALID'));
    await expect(look()).rejects.toThrow('| tomorrow');
  });

  it('is shown without colours and control characters, and without values of the environment and credentials', async () => {
    const Environment = { KEY: 'hunter2-long', SHORT: 'abc', MANY: 'first line\nsecond line', URL: 'a b/c d+e' };
    const request = event({ ResourceProperties: { ...PROPERTIES, Environment } });
    logLines([
      '\u001b[31mred\u001b[0m \u0007bell \u202eevil', 'KEY is hunter2-long', 'abc stays', 'x second line y', 'q=a%20b%2Fc%20d%2Be',
      'AKIAIOSFODNN7EXAMPLE', 'ghp_abcdefghijklmnopqrst', 'https://user:pa55word@host/x', 'Authorization: Bearer abc.def.ghi',
      'password=correcthorse', '-----BEGIN RSA PRIVATE KEY-----', 'MIIEowIBAAKCAQEA', '-----END RSA PRIVATE KEY-----', 'after',
    ]);
    const text = await message(failed('ARCHIVE_INVALID'), request);
    expect(text.split('\n').slice(2)).toEqual([
      '| red bell evil', '| KEY is ***', '| abc stays', '| x *** y', '| q=***', '| ***', '| ***', '| https://***@host/x',
      '| Authorization: ***', '| password=***', '| ***', '| after',
    ]);
  });

  it('that is hostile changes nothing: a stream\'s name with control characters, half characters, no line at all', async () => {
    logLines(['\u001b[0m', '\ud800', ''], '[1.0]\u001b[31m\n-x');
    const text = await message(failed('ARCHIVE_INVALID'));
    expect(text).not.toMatch(/\u001b|\ud800/);
    expect(text).toContain('| \ufffd');
  });
});

describe('mask', () => {
  it.each([
    'ASIAIOSFODNN7EXAMPLE', 'github_pat_11ABCDEFG0123456789', 'glpat-abcdefghijklmnopqrst', 'npm_abcdefghijklmnopqrstuvwxyz0123456789',
    'xoxb-123456789012-abcdef', 'sk-abcdefghijklmnopqrstuv', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc',
  ])('hides %s', (secret) => {
    expect(mask(`a ${secret} b`, {})).toBe('a *** b');
  });

  it.each([
    ['bearer abcdef123', 'bearer ***'],
    ['"aws_secret_access_key": "abcd/efgh"', '"aws_secret_access_key": "***"'],
    ['TOKEN=abcdef&x=1', 'TOKEN=***&x=1'],
    ['authorization: Basic dXNlcjpwYXNz', 'authorization: ***'],
    ['?X-Amz-Signature=abcdef&y', '?X-Amz-Signature=***&y'],
    ['git clone https://x-access-token:abc@github.com/a', 'git clone https://***@github.com/a'],
    ['begins within MIIEowIBAAKCAQEA\nMIIEowIBAAKCAQEAMIIEowIB\nabcd\n-----END PRIVATE KEY-----\nz', 'begins within MIIEowIBAAKCAQEA\n***\nz'],
    ['-----BEGIN PRIVATE KEY-----\nMIIE\ncut off', '***'],
  ])('hides the value in %j', (text, masked) => {
    expect(mask(text, {})).toBe(masked);
  });

  it.each(['npm ERR! code 1', 'Step 3/7 : RUN apt-get install -y curl', 'basic installation of packages', 'COPY . /app', 'http://deb.debian.org/debian'])('leaves %s', (text) => {
    expect(mask(text, {})).toBe(text);
  });

  it('hides a value of six characters, not one of five, and the longer of two before the shorter', () => {
    expect(mask('abcdef abcde abcdefgh', { A: 'abcdef', B: 'abcde', C: 'abcdefgh' })).toBe('*** abcde ***');
  });

  it('takes a line that is made to be slow', () => {
    const slow = [`${'a'.repeat(4000)}`, `${'-----BEGIN A-----'.repeat(200)}`, `//${'x'.repeat(4000)}`, 'secret'.repeat(600), 'A'.repeat(4000)];
    expect(mask(Array.from({ length: 20 }, () => slow).flat().join('\n'), {})).toContain('***');
    expect(withoutControls('\u001b]0;title\u0007text\u009b')).toBe('text');
  });
});

describe('an answer to CloudFormation', () => {
  const long = {
    StackId: `arn:aws:cloudformation:us-east-1:123456789012:stack/${'s'.repeat(128)}/${'0'.repeat(36)}`, RequestId: 'r'.repeat(36), LogicalResourceId: 'L'.repeat(255),
  };

  it.each([
    ['ASCII', 'x'], ['quotes', '"'], ['backslashes', '\\'], ['characters of many bytes', '\u{1f600}'], ['halves of characters', '\ud83d'], ['control characters', '\u0001'],
  ])('is never longer than it may be, whatever reason and log are made of: %s', async (_, character) => {
    logLines(Array.from({ length: 100 }, (__, index) => `${index} ${character.repeat(3000)}`));
    const request = event(long);
    const text = await message(failed(`Why: ${character.repeat(20_000)}`), request);
    expect(answerBytes({ ...request, PhysicalResourceId: 'arn:aws:lambda:us-east-1:123456789012:microvm-image:agent' }, text)).toBeLessThanOrEqual(4096);
    expect(text).toContain('Why: ');
    expect(text).toContain('Build log: log group /aws/lambda-microvms/agent');
  });

  it('keeps a reason whole and gives the rest to the newest lines', async () => {
    logLines(Array.from({ length: 100 }, (_, index) => `line ${index} ${'"'.repeat(100)}`));
    const reason = `Reason ${'y'.repeat(1500)} end`;
    const request = event(long);
    const text = await message(failed(reason), request);
    expect(text).toContain(reason);
    expect(text).toContain('line 99 ');
    expect(text).not.toContain('line 60 ');
    const bytes = answerBytes({ ...request, PhysicalResourceId: 'arn:aws:lambda:us-east-1:123456789012:microvm-image:agent' }, text);
    expect(bytes).toBeGreaterThan(3600);
    expect(bytes).toBeLessThanOrEqual(4096);
  });

  it('has no stack, which the framework would append, and is cut like any other error', () => {
    const error = cloudFormationError(event(), new Error('z'.repeat(9000)));
    expect(error.stack?.split('\n').slice(1)).toEqual([]);
    expect(jsonBytes(error.message)).toBeLessThanOrEqual(messageBytes(event()));
    expect(jsonBytes(error.message)).toBeGreaterThan(messageBytes(event()) - 3);
    expect(cloudFormationError(event(), 'text').message).toBe('unknown error');
  });

  it('is cut at the bound, not before it', () => {
    expect(cut('"'.repeat(10), 20)).toBe('"'.repeat(10));
    expect(cut('"'.repeat(10), 19)).toBe(`${'"'.repeat(8)}…`);
  });
});
