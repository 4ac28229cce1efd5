import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../clock';
import type { Persistent } from '../persistent';
import { checkRuleInput, payloadFor, type RuleInput } from './rule-input';
import { parseSchedule } from './schedule-expression';

export interface Rule {
  readonly name: string;
  readonly arn: string;
  readonly expression: string;
  readonly enabled: boolean;
  readonly targets: readonly RuleTarget[];
}

/** Gets EventBridge's scheduled event unless it says otherwise. */
export interface RuleTarget extends RuleInput {
  readonly functionArn: string;
}

export interface SchedulesOptions {
  readonly account: string;
  readonly region: string;
  readonly clock: Clock;
  readonly invoke: (functionArn: string, payload: string, ruleArn: string) => Promise<void>;
}

/** EventBridge rules with a schedule. */
export class Schedules implements Persistent {
  readonly #rules = new Map<string, { rule: Rule; next?: number; timer?: Timer }>();

  constructor(private readonly options: SchedulesOptions) {}

  rules(): string[] {
    return [...this.#rules.keys()];
  }

  arn(name: string): string {
    return `arn:aws:events:${this.options.region}:${this.options.account}:rule/${name}`;
  }

  save(): unknown {
    return [...this.#rules.values()].map(({ rule, next }) => ({ rule, next }));
  }

  /** Runs that fell into the time in between are left out. */
  restore(state: unknown): void {
    const now = this.options.clock.now();
    for (const { rule, next = 0 } of state as { rule: Rule; next?: number }[]) {
      this.#schedule(rule, next > now ? next : undefined);
    }
  }

  /** Creates the rule, or changes it. */
  put(rule: Omit<Rule, 'arn'>): void {
    parseSchedule(rule.expression);
    rule.targets.forEach(checkRuleInput);
    this.remove(rule.name);
    this.#schedule({ ...rule, arn: this.arn(rule.name) });
  }

  remove(name: string): void {
    this.#rules.get(name)?.timer?.cancel();
    this.#rules.delete(name);
  }

  #schedule(rule: Rule, planned?: number): void {
    const { clock } = this.options;
    const next = rule.enabled ? planned ?? parseSchedule(rule.expression)(clock.now()) : undefined;
    const timer = next === undefined ? undefined : clock.after(next - clock.now(), () => {
      this.#schedule(rule);
      return this.#fire(rule, next);
    });
    this.#rules.set(rule.name, { rule, next, timer });
  }

  /** Answered when the functions are done, so that a clock that is moved ahead lets each run see its own time. */
  async #fire(rule: Rule, time: number): Promise<void> {
    const event = {
      'version': '0',
      'id': randomUUID(),
      'detail-type': 'Scheduled Event',
      'source': 'aws.events',
      'account': this.options.account,
      'time': `${new Date(time).toISOString().slice(0, 19)}Z`,
      'region': this.options.region,
      'resources': [rule.arn],
      'detail': {},
    };
    const { invoke } = this.options;
    await Promise.all(rule.targets.map((target) => (
      invoke(target.functionArn, payloadFor(target, event, rule), rule.arn)
    )));
  }
}
