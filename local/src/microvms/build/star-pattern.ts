/**
 * The source of a regular expression for a pattern with stars. What stands between two stars is taken where it is first found, and never
 * looked for again, so that many stars cost no more than few; only the last star is as long as it can be. `pieces` are the
 * sources of what stands between stars, `any` is that of one character that a star takes.
 */
export function starSource(pieces: readonly string[], any: string): string {
  const [first, ...rest] = pieces;
  const last = rest.pop();
  if (last === undefined) return first;
  // A look-ahead keeps what it has found, whatever follows.
  const middle = rest.filter((piece) => piece !== '').map((piece, index) => `(?=(${any}*?${piece}))\\${index + 1}`);
  return `${first}${middle.join('')}${any}*${last}`;
}
