import { ServiceError } from '../service-error';

const MAX_TOKENS = 1000;

interface Remembered {
  readonly request: string;
  readonly answer: Promise<unknown>;
}

/** Client request tokens: a request that comes again has its first answer, and takes effect once. The newest 1000 are remembered. */
export class RequestTokens {
  readonly #byToken = new Map<string, Remembered>();

  /** `request` tells which requests are the same. A failure is forgotten, so that it can be tried again. */
  async once<Answer>(
    token: string | undefined,
    request: string,
    work: () => Promise<Answer> | Answer,
  ): Promise<Answer> {
    if (token === undefined) return work();
    const earlier = this.#byToken.get(token);
    if (earlier && earlier.request !== request) {
      throw new ServiceError('TokenAlreadyExistsException', `A client request token already exists: ${token.slice(0, 128)}`);
    }
    if (earlier) return earlier.answer as Promise<Answer>;
    const answer = (async () => work())();
    this.#byToken.set(token, { request, answer });
    answer.catch(() => this.#byToken.delete(token));
    const oldest = this.#byToken.size > MAX_TOKENS ? this.#byToken.keys().next().value : undefined;
    if (oldest !== undefined) this.#byToken.delete(oldest);
    return answer;
  }
}
