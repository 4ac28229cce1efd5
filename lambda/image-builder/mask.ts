const MASK = '***';

/** Shorter values stand in texts by chance. */
const MIN_VALUE_LENGTH = 6;

/** What credentials look like. */
const CREDENTIALS: readonly (readonly [RegExp, string])[] = [
  // Their lines, also if the log's excerpt begins or ends within them.
  [/-----BEGIN [^-\n]{1,60}-----[^]*?(?:-----END [^-\n]{1,60}-----|$(?![^]))/g, MASK],
  [/(?:^[A-Za-z0-9+/=]{20,}[ \t]*\n)+[A-Za-z0-9+/=]*[ \t]*\n?-----END [^-\n]{1,60}-----/gm, MASK],
  [/\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b/g, MASK],
  [/\b(?:gh[pousr]_|github_pat_|glpat-|npm_|pypi-|xox[abeprs]-|sk-|hf_)[A-Za-z0-9_-]{10,}/g, MASK],
  [/\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+){0,4}/g, MASK],
  [/\/\/[^\s/@]{1,500}@/g, `//${MASK}@`],
  [/\b(authorization["']?\s*[:=]\s*["']?)(?:\w+\s+)?[^\s"']{4,}/gi, `$1${MASK}`],
  [/\b(bearer)\s+[^\s"']{6,}/gi, `$1 ${MASK}`],
  [/([\w-]{0,40}(?:secret|token|passw(?:or)?d|passphrase|credential|api[_-]?key|access[_-]?key)[\w-]{0,40}["']?\s*[=:]\s*["']?)[^\s"'&,;]{4,}/gi, `$1${MASK}`],
  [/\bX-Amz-(Signature|Credential|Security-Token)=[^&\s"']+/gi, `X-Amz-$1=${MASK}`],
];

/** Takes out of a text what nobody may read in an event: values of the image's environment, and what looks like a credential. */
export function mask(text: string, environment: Readonly<Record<string, string>>): string {
  const values = Object.values(environment)
    .flatMap((value) => [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(wellFormed(value)), ...value.split(/\r?\n/)])
    .filter((value) => value.trim().length >= MIN_VALUE_LENGTH);
  // The longest first: one may hold another.
  const known = [...new Set(values)].sort((one, other) => other.length - one.length);
  const withoutValues = known.reduce((masked, value) => masked.replaceAll(value, MASK), text);
  return CREDENTIALS.reduce((masked, [pattern, replacement]) => masked.replace(pattern, replacement), withoutValues);
}

/** Colours and other control sequences of terminals, then all other control characters but line breaks and tabs. */
// eslint-disable-next-line no-control-regex -- these are what it is about
const CONTROLS = /\u001b\[[0-?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b.?|[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

export function withoutControls(text: string): string {
  return wellFormed(text.replace(/\r\n?/g, '\n').replace(CONTROLS, ''));
}

/** Without halves of characters, which no encoding takes. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd');
}
