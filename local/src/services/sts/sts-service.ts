import type { ApiRequest, ApiResponse, ApiService } from '../../api';
import type { IamService, Principal } from '../../iam/iam-service';
import { answerQuery, constraint, type QueryInput } from '../query-protocol';
import { ServiceError } from '../service-error';

const ROLE_ARN = /^arn:aws[\w-]*:iam::\d{12}:role\/(?:[\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/;
const SESSION_NAME = /^[\w+=,.@-]{2,64}$/;
const MAX_TAGS = 50;
/** Of a session that a session of a role opens. */
const MAX_CHAINED_SECONDS = 3600;

/** Members that would narrow or mark a session, and that nothing here does anything about. */
const UNSUPPORTED = ['Policy', 'PolicyArns', 'SerialNumber', 'TokenCode', 'SourceIdentity', 'ProvidedContexts'];

/** Security Token Service: who somebody is, and the roles of this account for those whom they trust. */
export class StsService implements ApiService {
  constructor(private readonly iam: Pick<IamService, 'principal' | 'assumeRole'>, private readonly account: string) {}

  handle(request: ApiRequest): Promise<ApiResponse> {
    return answerQuery(request, {
      name: 'sts',
      namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
      operations: {
        GetCallerIdentity: () => this.#getCallerIdentity(request),
        AssumeRole: (input) => this.#assumeRole(input, request),
      },
    });
  }

  #getCallerIdentity(request: ApiRequest): object {
    const { arn, userId } = this.#caller(request);
    return { UserId: userId, Account: this.account, Arn: arn };
  }

  async #assumeRole(input: QueryInput, request: ApiRequest): Promise<object> {
    const caller = this.#caller(request);
    const refused = UNSUPPORTED.find((name) => input.has(name));
    if (refused) throw new ServiceError('ValidationError', `${refused}: the local cloud's STS does not support it; leave it out`);
    const { credentials, arn, assumedRoleId } = await this.iam.assumeRole(matching(input, 'RoleArn', ROLE_ARN), caller.arn, {
      sessionName: matching(input, 'RoleSessionName', SESSION_NAME),
      durationSeconds: durationOf(input, caller),
      externalId: input.string('ExternalId'),
      sessionTags: tagsOf(input),
    });
    return {
      Credentials: {
        AccessKeyId: credentials.accessKeyId,
        SecretAccessKey: credentials.secretAccessKey,
        SessionToken: credentials.sessionToken,
        Expiration: new Date(credentials.expiresAt),
      },
      AssumedRoleUser: { AssumedRoleId: assumedRoleId, Arn: arn },
    };
  }

  #caller({ accessKeyId }: ApiRequest): Principal {
    const principal = this.iam.principal(accessKeyId);
    if (principal) return principal;
    throw new ServiceError('InvalidClientTokenId', 'The security token included in the request is invalid.', 403);
  }
}

function matching(input: QueryInput, name: string, pattern: RegExp): string {
  const value = input.required(name);
  if (pattern.test(value)) return value;
  throw constraint(name, `'${value.slice(0, 128)}'`, `Member must satisfy regular expression pattern: ${pattern.source}`);
}

function durationOf(input: QueryInput, caller: Principal): number | undefined {
  const seconds = input.integer('DurationSeconds', { min: 900, max: 43_200 });
  if (caller.roleArn === undefined || seconds === undefined || seconds <= MAX_CHAINED_SECONDS) return seconds;
  throw new ServiceError('ValidationError', 'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining');
}

function tagsOf(input: QueryInput): Record<string, string> {
  const tags = input.records('Tags') ?? [];
  if (tags.length > MAX_TAGS) throw constraint('Tags', `of ${tags.length} members`, `Member must have length less than or equal to ${MAX_TAGS}`);
  return Object.fromEntries(tags.map((tag) => [tag.required('Key'), tag.text('Value') ?? '']));
}
