import type { ApiRequest, ApiResponse, ApiService } from '../api';
import type { RateLimits } from './rate-limits';
import { CursorError } from './wire/cursors';
import { errorResponse, htmlResponse, jsonResponse, ServiceError, unreadableCursor } from './wire/errors';
import { matchRoute, type Route } from './wire/routes';

export interface ControlPlaneOptions {
  readonly routes: readonly Route[];
  readonly limits: RateLimits;
  /** Told what failed although the caller did nothing wrong. */
  readonly onWarning?: (message: string) => void;
}

/** `/2025-09-09/…`, and the tags of images: from a request to its operation, from what that gives or throws to an answer. */
export class ControlPlane implements ApiService {
  constructor(private readonly options: ControlPlaneOptions) {}

  async handle(request: ApiRequest): Promise<ApiResponse> {
    const { routes, limits, onWarning } = this.options;
    const match = matchRoute(routes, request);
    if (!match) return htmlResponse(404);
    // An id that is none does not get as far as the service.
    if (match.values.microvm !== undefined && !/^microvm-[0-9a-f-]{36}$/.test(match.values.microvm)) return htmlResponse(502);
    try {
      await limits.admit(match.route.operation);
      assertEncodedCursor(request);
      const body = await match.route.run(match.values, request);
      return match.route.status === 204 ? { status: 204 } : jsonResponse(match.route.status, body);
    } catch (error) {
      if (error instanceof ServiceError) return errorResponse(error.type, error.message);
      if (error instanceof CursorError) return unreadableCursor();
      onWarning?.(`${request.method} ${request.path}: ${(error as Error).message}`);
      return errorResponse('InternalServerException', null);
    }
  }
}

/** The service takes a `=` in a cursor percent-encoded only. */
function assertEncodedCursor({ rawQuery = '' }: ApiRequest): void {
  if (/(?:^|&)nextToken=[^&]*=/.test(rawQuery)) throw new CursorError();
}
