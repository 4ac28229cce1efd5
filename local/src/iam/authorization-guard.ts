import type { ApiCall, ApiResponse, Guard } from '../api';
import { protocolError } from '../protocol-error';
import { ServiceError } from '../services/service-error';
import type { AccessSources } from './accesses/access-sources';
import { accessesOf } from './accesses/accesses-of';
import type { IamService } from './iam-service';

/** Services that answer a denial with 403; the JSON protocols answer 400. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  s3: 'AccessDenied',
  cloudformation: 'AccessDenied',
  iam: 'AccessDenied',
  sts: 'AccessDenied',
  lambda: 'AccessDeniedException',
  microvms: 'AccessDeniedException',
  connectors: 'AccessDeniedException',
};

/** Lets the calls of a role through that its policies allow. The account's user is free to do everything. Stands behind `Authentication`. */
export class AuthorizationGuard implements Guard {
  constructor(private readonly iam: IamService, private readonly sources: AccessSources) {}

  async admit(call: ApiCall): Promise<ApiResponse | undefined> {
    const { access } = this.iam;
    if (!access.enforced) return undefined;
    const principal = this.iam.principal(call.request.accessKeyId);
    if (principal && principal.roleArn === undefined) return undefined;
    if (!principal) return denied(call.service, 'Access Denied');
    // What has no name has no action that a policy could allow.
    if (call.operation === '') return denied(call.service, unnamed(principal.arn, call));
    for (const needed of await accessesOf(call, this.sources)) {
      const refusal = await access.refusal(this.iam.caller(principal), needed);
      if (!refusal) continue;
      return needed.refusal ? protocolError(call.service, needed.refusal) : denied(call.service, refusal.message);
    }
    return undefined;
  }
}

function unnamed(caller: string, { service, request: { method, path, query } }: ApiCall): string {
  // The members of a signature are nobody's business.
  const asked = [...new Set(query.keys())].filter((name) => !/^x-amz-/i.test(name)).join('&');
  const target = `${method} ${path}${asked === '' ? '' : `?${asked}`}`.slice(0, 256);
  return `User: ${caller} is not authorized to perform: ${target} because the local cloud's ${service} has no operation of that name`;
}

function denied(service: string, message: string): ApiResponse {
  const code = Object.hasOwn(FORBIDDEN, service) ? FORBIDDEN[service] : undefined;
  return protocolError(service, new ServiceError(code ?? 'AccessDeniedException', message, code === undefined ? 400 : 403));
}
