/** Epoch milliseconds of the next time after `after`. Undefined: never again. */
export type NextTime = (after: number) => number | undefined;

const MINUTE_MS = 60_000;
const UNITS: Readonly<Record<string, number>> = { minute: MINUTE_MS, hour: 60 * MINUTE_MS, day: 24 * 60 * MINUTE_MS };
/** How far ahead a cron expression is searched. */
const HORIZON_MINUTES = 2 * 366 * 24 * 60;

/** Reads `rate(5 minutes)` or `cron(0/15 8-18 ? * 2-6 *)`; numbers only, in UTC, without L, W and #. */
export function parseSchedule(expression: string): NextTime {
  const [, value, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (value) {
    const interval = Number(value) * UNITS[unit];
    if (interval > 0) return (after) => after + interval;
  }
  const [, cron] = /^cron\(([^)]*)\)$/.exec(expression) ?? [];
  const fields = cron?.trim().split(/\s+/) ?? [];
  if (fields.length !== 6) {
    throw new Error(`schedule expression "${expression}" is neither rate(<number> minutes|hours|days) nor cron(<six fields>)`);
  }
  return cronSchedule(fields, expression);
}

function cronSchedule(fields: readonly string[], expression: string): NextTime {
  const bounds = [[0, 59], [0, 23], [1, 31], [1, 12], [1, 7], [1970, 2199]] as const;
  const matchers = fields.map((field, index) => fieldMatcher(field, bounds[index], expression));
  return (after) => {
    const first = (Math.floor(after / MINUTE_MS) + 1) * MINUTE_MS;
    for (let minute = 0; minute < HORIZON_MINUTES; minute++) {
      const time = first + minute * MINUTE_MS;
      const date = new Date(time);
      const values = [
        date.getUTCMinutes(), date.getUTCHours(),
        date.getUTCDate(), date.getUTCMonth() + 1, date.getUTCDay() + 1, date.getUTCFullYear(),
      ];
      if (matchers.every((matches, index) => matches(values[index]))) return time;
    }
    return undefined;
  };
}

function fieldMatcher(
  field: string,
  [lowest, highest]: readonly [number, number],
  expression: string,
): (value: number) => boolean {
  if (field === '*' || field === '?') return () => true;
  const ranges = field.split(',').map((part) => {
    const [, from, to, step] = /^(\*|\d+)(?:-(\d+))?(?:\/(\d+))?$/.exec(part) ?? [];
    const start = from === '*' ? lowest : Number(from);
    const end = to ? Number(to) : from === '*' || step ? highest : start;
    const every = Number(step ?? 1);
    if (!(start >= lowest && end <= highest && start <= end && every > 0)) {
      throw new Error(`schedule expression "${expression}": the local cloud does not understand "${part}"`);
    }
    return { start, end, every };
  });
  return (value) => ranges.some(({ start, end, every }) => {
    return value >= start && value <= end && (value - start) % every === 0;
  });
}
