const REFERENCE = /\{\{resolve:([a-z-]+):([^{}]*)\}\}/g;

/** Puts the values of `{{resolve:ssm:…}}` in their places, in every string of a value. */
export function resolveDynamicReferences(value: unknown, ssmParameters: ReadonlyMap<string, string>): unknown {
  if (typeof value === 'string') return resolveText(value, ssmParameters);
  if (Array.isArray(value)) return value.map((element) => resolveDynamicReferences(element, ssmParameters));
  if (typeof value !== 'object' || value === null) return value;
  const resolve = (element: unknown): unknown => resolveDynamicReferences(element, ssmParameters);
  return Object.fromEntries(Object.entries(value).map(([key, element]) => [key, resolve(element)]));
}

function resolveText(text: string, ssmParameters: ReadonlyMap<string, string>): string {
  return text.replaceAll(REFERENCE, (whole, service: string, argument: string) => {
    if (service !== 'ssm') {
      throw new Error(`the dynamic reference ${whole}: the local cloud resolves {{resolve:ssm:…}} only; it keeps no secrets of Secrets Manager and no secure parameters`);
    }
    const [, name, version] = /^([^:]+)(?::(\d+))?$/.exec(argument) ?? [];
    if (!name) throw new Error(`Incorrect format is used in the following SSM reference: [${whole}]`);
    if (version !== undefined) throw new Error(`the dynamic reference ${whole}: the local cloud keeps one version of a parameter; leave out ":${version}"`);
    const value = ssmParameters.get(name);
    if (value === undefined) throw new Error(`Parameter ${name} cannot be found in the Parameter Store`);
    return value;
  });
}
