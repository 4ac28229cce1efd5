import { createHash } from 'node:crypto';

/** Numbers from 0 up to but not including 1. */
export type Random = () => number;

/** The same sequence for the same seed. For tests that are to be repeated, not for secrets. */
export function seededRandom(seed: number): Random {
  let drawn = 0;
  return () => createHash('sha256').update(`${seed}:${drawn++}`).digest().readUInt32BE() / 2 ** 32;
}
