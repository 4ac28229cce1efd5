/** What a target of a rule gets in the place of the event. */
export interface RuleInput {
  /** JSON, as it stands. */
  readonly input?: string;
  /** The part of the event that this path leads to. */
  readonly inputPath?: string;
  readonly inputTransformer?: InputTransformer;
}

export interface InputTransformer {
  /** Paths into the event, by the names that the template has for them. */
  readonly paths: Readonly<Record<string, string>>;
  readonly template: string;
}

const MAX_CHARACTERS = 8192;
const MAX_PATHS = 100;
const PATH = /^\$(?:\.[\w-]+|\['[^']+'\]|\[\d+\])*$/;

type Members = Readonly<Record<string, unknown>>;

/** Throws in EventBridge's place. */
export function checkRuleInput({ input, inputPath, inputTransformer }: RuleInput): void {
  if ([input, inputPath, inputTransformer].filter((given) => given !== undefined).length > 1) {
    throw new Error('Only one of Input, InputPath, or InputTransformer must be provided for a target');
  }
  for (const [name, text] of Object.entries({ Input: input, InputTemplate: inputTransformer?.template })) {
    if ((text?.length ?? 0) > MAX_CHARACTERS) throw new Error(`${name} has ${text?.length} characters; EventBridge takes ${MAX_CHARACTERS}`);
  }
  const paths = Object.values(inputTransformer?.paths ?? {});
  if (paths.length > MAX_PATHS) throw new Error(`InputPathsMap has ${paths.length} members; EventBridge takes ${MAX_PATHS}`);
  const wrong = [...paths, ...(inputPath === undefined ? [] : [inputPath])].find((path) => !PATH.test(path));
  if (wrong !== undefined) throw new Error(`"${wrong.slice(0, 128)}" is no path into an event, as in $.detail.state`);
}

/** The payload of a target. */
export function payloadFor(
  { input, inputPath, inputTransformer }: RuleInput,
  event: Members,
  rule: { readonly name: string; readonly arn: string },
): string {
  if (input !== undefined) return input;
  if (inputPath !== undefined) return JSON.stringify(valueAt(event, inputPath) ?? null);
  if (inputTransformer === undefined) return JSON.stringify(event);
  const { paths, template } = inputTransformer;
  const values: Members = {
    ...Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, valueAt(event, path)])),
    'aws.events.rule-arn': rule.arn,
    'aws.events.rule-name': rule.name,
    'aws.events.event.ingestion-time': event.time,
    'aws.events.event': event,
    'aws.events.event.json': event,
  };
  return fill(template, values);
}

/** A placeholder that stands for itself becomes JSON, one within quotation marks a part of the text. */
function fill(template: string, values: Members): string {
  let isQuoted = false;
  return template.replaceAll(/\\.|"|<([\w.-]+)>/g, (found, name: string | undefined) => {
    if (found === '"') isQuoted = !isQuoted;
    if (name === undefined || !Object.hasOwn(values, name)) return found;
    const value = values[name];
    // A path that leads nowhere leaves nothing behind.
    if (value === undefined) return isQuoted ? '' : '""';
    if (!isQuoted) return JSON.stringify(value);
    return JSON.stringify(typeof value === 'string' ? value : JSON.stringify(value)).slice(1, -1);
  });
}

function valueAt(event: Members, path: string): unknown {
  const steps = [...path.matchAll(/\.([\w-]+)|\['([^']+)'\]|\[(\d+)\]/g)].map(([, plain, quoted, index]) => plain ?? quoted ?? index);
  let value: unknown = event;
  for (const step of steps) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, step)) return undefined;
    value = (value as Members)[step];
  }
  return value;
}
