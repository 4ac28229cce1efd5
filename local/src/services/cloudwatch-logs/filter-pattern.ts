import { ServiceError } from '../service-error';

const MAX_PATTERN_LENGTH = 1024;

/** Words that must all be there; CloudWatch's further pattern syntax is refused. */
export function matcher(pattern: string): (message: string) => boolean {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    throw new ServiceError('InvalidParameterException', `filterPattern has ${pattern.length} characters; at most ${MAX_PATTERN_LENGTH} are allowed`);
  }
  const terms = [...pattern.matchAll(/"([^"]*)"|([A-Za-z0-9_.-]+)|(\S)/g)];
  if (terms.some(([, , word, other]) => other || word?.startsWith('-'))) {
    throw new ServiceError('InvalidParameterException', `the local cloud understands only words in a filterPattern, got ${pattern}`);
  }
  return (message) => terms.every(([, quoted, word]) => message.includes(quoted ?? word));
}
