import { randomBytes } from 'node:crypto';

/** An id as EC2 makes them: `vpc-0123456789abcdef0`. */
export function randomId(prefix: string): string {
  return `${prefix}-${randomBytes(9).toString('hex').slice(0, 17)}`;
}
