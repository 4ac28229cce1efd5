import { CfnParameter, Duration } from 'aws-cdk-lib';
import { IdlePolicy } from 'cdk-microvm-sandbox';
import { newStack } from './synthesized';

test.each([Duration.seconds(60), Duration.hours(8)])('takes from a minute to 8 hours: %s', (duration) => {
  expect(IdlePolicy.suspendAfter(duration)._render()).toEqual({ afterSeconds: duration.toSeconds(), then: 'suspend' });
  expect(IdlePolicy.terminateAfter(duration)._render()).toEqual({ afterSeconds: duration.toSeconds(), then: 'terminate' });
});

test('does nothing if asked for nothing', () => {
  expect(IdlePolicy.none()._render()).toBeNull();
});

test.each([
  [Duration.seconds(59), '59'],
  [Duration.hours(8).plus(Duration.seconds(1)), '28801'],
  [Duration.millis(90_500), '90.5'],
])('fails on %s', (duration, seconds) => {
  const allowed = `got ${seconds} seconds, allowed are whole seconds from 60 to 28800`;
  expect(() => IdlePolicy.suspendAfter(duration)).toThrow(`IdlePolicy.suspendAfter: ${allowed}`);
  expect(() => IdlePolicy.terminateAfter(duration)).toThrow(`IdlePolicy.terminateAfter: ${allowed}`);
});

test('leaves a token to the deployment', () => {
  const stack = newStack();
  const parameter = new CfnParameter(stack, 'Idle', { type: 'Number' });
  expect(stack.resolve(IdlePolicy.suspendAfter(Duration.seconds(parameter.valueAsNumber))._render()))
    .toEqual({ afterSeconds: { Ref: 'Idle' }, then: 'suspend' });
});
