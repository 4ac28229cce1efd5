import type { z } from 'zod';

const SHOWN = 80;

/** One sentence about what is wrong with a request. */
export function explain(issue: z.core.$ZodIssue | undefined, event: object, members: readonly string[]): string {
  if (!issue) return 'The request is malformed.';
  const allowed = members.filter((member) => member !== 'version' && member !== 'operation').join(', ');
  if (issue.code === 'unrecognized_keys') {
    return `${cut(issue.keys.join(', '))}: unknown member; this operation takes ${allowed}.`;
  }
  const [field, ...inside] = issue.path;
  // The caller's metadata may be personal: it is not repeated, neither here nor in a log.
  if (field === 'metadata') return `metadata: ${message(issue)}.`;
  const path = [field, ...inside].map(String).join('.');
  return `${path}: got ${show(valueAt(event, issue.path))}; ${message(issue)}.`;
}

function message(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_key' ? issue.issues[0]?.message ?? issue.message : issue.message;
}

function valueAt(event: object, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], event);
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : cut(JSON.stringify(value) ?? typeof value);
}

function cut(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
