import type { Logging } from '../images/image-input';

export interface LogTarget {
  readonly group: string;
  readonly stream: string;
}

/** `YYYY/MM/DD[<version>]<microvmId>` in the image's own group, unless the request names others. Undefined: no logs. */
export function logTarget(
  logging: Logging | null,
  source: { readonly imageName: string; readonly version: string; readonly microvmId: string; readonly time: number },
): LogTarget | undefined {
  if (logging?.disabled) return undefined;
  const day = new Date(source.time).toISOString().slice(0, 10).replaceAll('-', '/');
  return {
    group: logging?.cloudWatch?.logGroup ?? `/aws/lambda-microvms/${source.imageName}`,
    stream: logging?.cloudWatch?.logStream ?? `${day}[${source.version}]${source.microvmId}`,
  };
}
