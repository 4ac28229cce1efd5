import type { Resolver } from './intrinsics';
import type { Template } from './template';
import { ServiceError } from '../services/service-error';

/** Holds the parameters to the template's rules. Throws a `ValidationError` with the description of the first assertion that fails. */
export function checkRules({ Rules = {} }: Template, resolver: Resolver): void {
  for (const [name, { RuleCondition, Assertions = [] }] of Object.entries(Rules)) {
    if (RuleCondition !== undefined && resolver.resolve(RuleCondition) !== true) continue;
    for (const { Assert, AssertDescription } of Assertions) {
      if (resolver.resolve(Assert) === true) continue;
      throw new ServiceError('ValidationError', `Template error: rule ${name} is not met: ${AssertDescription ?? JSON.stringify(Assert)}`);
    }
  }
}
