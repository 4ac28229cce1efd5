import { LocalClock } from '../../../local/src/clock';
import { checkRuleInput, payloadFor } from '../../../local/src/services/rule-input';
import { parseSchedule } from '../../../local/src/services/schedule-expression';
import { Schedules } from '../../../local/src/services/schedules';

const at = (time: string) => Date.parse(time);
const next = (expression: string, after: string) => {
  const time = parseSchedule(expression)(at(after));
  return time === undefined ? undefined : new Date(time).toISOString().slice(0, 16);
};

test('finds the next time of rates and of cron expressions', () => {
  expect(next('rate(1 minute)', '2026-01-01T00:00:30Z')).toBe('2026-01-01T00:01');
  expect(next('rate(2 hours)', '2026-01-01T00:00:00Z')).toBe('2026-01-01T02:00');
  expect(next('cron(0/15 * * * ? *)', '2026-01-01T00:15:00Z')).toBe('2026-01-01T00:30');
  expect(next('cron(30 8-10 ? * 2-6 *)', '2026-01-02T10:31:00Z')).toBe('2026-01-05T08:30');
  expect(next('cron(0 0 29 2 ? 2028)', '2026-12-01T00:00:00Z')).toBe('2028-02-29T00:00');
  expect(next('cron(0 0 1 1 ? 2020)', '2026-01-01T00:00:00Z')).toBeUndefined();
});

test('fails for what is no schedule or is not understood', () => {
  for (const expression of ['rate(0 minutes)', 'rate(1 week)', 'cron(* * * *)', 'cron(0 0 L * ? *)', 'cron(61 * * * ? *)', 'at(2026-01-01T00:00:00)']) {
    expect(() => parseSchedule(expression)).toThrow(expression);
  }
});

test('fires a rule at its own times while the clock is moved, until it is removed', async () => {
  const clock = new LocalClock();
  const fired: string[] = [];
  const invoke = async (_: string, payload: string) => void fired.push(payload);
  const schedules = new Schedules({ account: '0', region: 'r', clock, invoke });
  const start = clock.now();
  schedules.put({ name: 'own', expression: 'rate(1 minute)', enabled: true, targets: [{ functionArn: 'f' }] });
  schedules.put({ name: 'given', expression: 'rate(2 minutes)', enabled: true, targets: [{ functionArn: 'f', input: '{"own":1}' }] });
  schedules.put({ name: 'off', expression: 'rate(1 minute)', enabled: false, targets: [{ functionArn: 'f', input: 'never' }] });
  await clock.advance({ seconds: 130 });
  const times = fired.filter((payload) => payload !== '{"own":1}').map((payload) => Date.parse(JSON.parse(payload).time) - start);
  expect(times.map((ms) => Math.round(ms / 60_000))).toEqual([1, 2]);
  expect(fired).toHaveLength(3);
  schedules.remove('own');
  schedules.remove('given');
  await clock.advance({ hours: 1 });
  expect(fired).toHaveLength(3);
  clock.stop();
});

describe('what a target gets', () => {
  const event = { id: 'e-1', time: '2026-01-01T00:00:00Z', resources: ['arn:rule'], detail: { 'a b': 1, 'text': 'say "hi"' } };
  const rule = { name: 'own', arn: 'arn:rule' };
  const transformed = (template: string, paths: Record<string, string> = {}) => (
    payloadFor({ inputTransformer: { paths, template } }, event, rule)
  );

  test('the event, a part of it, or what is given', () => {
    expect(JSON.parse(payloadFor({}, event, rule))).toEqual(event);
    expect(payloadFor({ inputPath: '$.detail.text' }, event, rule)).toBe('"say \\"hi\\""');
    expect(payloadFor({ inputPath: '$.none' }, event, rule)).toBe('null');
    expect(payloadFor({ input: '{"own":"<id>"}' }, event, rule)).toBe('{"own":"<id>"}');
  });

  test('a template with values of the event: as JSON, and within a text', () => {
    const paths = { id: '$.id', text: '$.detail.text', first: '$.resources[0]', n: '$.detail[\'a b\']', all: '$.detail', none: '$.none' };
    const template = '{"eventId":<id>,"at":"id <id>, <first>: <text>","n":<n>,"detail":<all>,"none":<none>,"empty":"<none>","rule":"<aws.events.rule-name>","other":"<x>"}';
    expect(JSON.parse(transformed(template, paths))).toEqual({
      eventId: 'e-1', at: 'id e-1, arn:rule: say "hi"', n: 1, detail: event.detail, none: '', empty: '', rule: 'own', other: '<x>',
    });
    expect(JSON.parse(transformed('"a \\" quote, <id>"', { id: '$.id' }))).toBe('a " quote, e-1');
  });

  test.each([
    [{ input: '{}', inputPath: '$' }, 'Only one of Input, InputPath, or InputTransformer must be provided'],
    [{ input: 'x'.repeat(8193) }, 'Input has 8193 characters'],
    [{ inputTransformer: { paths: {}, template: 'x'.repeat(8193) } }, 'InputTemplate has 8193 characters'],
    [{ inputTransformer: { paths: { a: 'detail' }, template: '' } }, '"detail" is no path into an event'],
  ])('fails for %.80p', (input, message) => {
    const schedules = new Schedules({ account: '0', region: 'r', clock: new LocalClock(), invoke: async () => undefined });
    expect(() => schedules.put({ name: 'x', expression: 'rate(1 minute)', enabled: true, targets: [{ functionArn: 'f', ...input }] })).toThrow(message);
    expect(schedules.rules()).toEqual([]);
  });

  test('takes inputs of the longest length', () => {
    expect(() => checkRuleInput({ input: 'x'.repeat(8192) })).not.toThrow();
  });
});
