import { PropertyInjectors } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** Where a construct is made, as its constructor has it. */
export interface InjectionSite {
  readonly scope: Construct;
  readonly id: string;
  /** The construct's `PROPERTY_INJECTION_ID`. */
  readonly uniqueId: string;
}

/** The props as the nearest property injector for the construct above it wants them; what it was given if there is none. */
export function injectedProps<T extends object>({ scope, id, uniqueId }: InjectionSite, props: T): T {
  const injector = scope.node.scopes.reverse()
    .flatMap((each) => (PropertyInjectors.hasPropertyInjectors(each) ? PropertyInjectors.of(each).for(uniqueId) ?? [] : []))[0];
  // An injector answers what it likes; CDK's own constructs trust it just so.
  return injector === undefined ? props : injector.inject(props, { scope, id }) as T;
}
