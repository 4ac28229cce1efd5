import { ServiceError } from '../service-error';

export interface ByteRange {
  readonly start: number;
  /** The last byte. */
  readonly end: number;
}

/** The bytes that a `Range` header asks for. Undefined: all of them, as for several ranges, which S3 does not serve. */
export function byteRange(header: string | undefined, size: number): ByteRange | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || (first === '' && last === '')) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < start) return undefined;
  if (start >= size) throw new ServiceError('InvalidRange', 'The requested range is not satisfiable', 416, { ActualObjectSize: size });
  return { start, end };
}
