import type { Template } from './template';

/** The value of each parameter: given, else its default; SSM parameters are looked up. */
export function parameterValues(
  { Parameters = {} }: Template,
  given: Readonly<Record<string, string>>,
  ssmParameters: ReadonlyMap<string, string>,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(Parameters).map(([name, { Type, Default }]) => {
    const value = given[name] ?? Default;
    if (value === undefined) throw new Error(`parameter ${name} has no default and was given no value`);
    const stored = Type.startsWith('AWS::SSM::Parameter::Value<') ? ssmParameters.get(String(value)) : String(value);
    if (stored === undefined) throw new Error(`parameter ${name}: there is no SSM parameter "${value}"`);
    return [name, /List</.test(Type) || Type === 'CommaDelimitedList' ? stored.split(',') : stored];
  }));
}
