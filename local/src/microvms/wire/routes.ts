import type { ApiRequest } from '../../api';

export interface Route {
  /** AWS's name of it. */
  readonly operation: string;
  readonly method: string;
  /** Segments of the path; `{name}` takes any. */
  readonly path: string;
  readonly status: number;
  /** What it answers, or a promise of it. */
  run(path: Readonly<Record<string, string>>, request: ApiRequest): unknown;
}

/** The route of a request and the values of its path, percent-decoded. What has no value stands as the route has it, not encoded. */
export function matchRoute(
  routes: readonly Route[],
  request: ApiRequest,
): { readonly route: Route; readonly values: Readonly<Record<string, string>> } | undefined {
  const segments = request.path.split('/');
  for (const route of routes) {
    const values = route.method === request.method ? matchPath(route.path.split('/'), segments) : undefined;
    if (values) return { route, values };
  }
  return undefined;
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

function matchPath(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const values: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const value = part.startsWith('{') ? decode(segments[index]) : undefined;
    if (value) values[part.slice(1, -1)] = value;
    else if (part !== segments[index]) return undefined;
  }
  return values;
}
