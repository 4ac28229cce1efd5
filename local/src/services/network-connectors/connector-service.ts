import type { ConnectorInput } from './connector-input';
import { invalidConnector, readTags } from './connector-input';
import { connectorSummary, connectorView } from './connector-record';
import type { NetworkConnectors } from './network-connectors';
import type { ApiRequest, ApiResponse, ApiService } from '../../api';
import { parseBody, ServiceError } from '../service-error';

const MAX_ITEMS = 100;
const CONNECTORS = /^\/2026-04-04\/network-connectors(?:\/([^/]+))?\/?$/;
const TAGS = /^\/2017-03-31\/tags\/([^/]+)$/;

interface Answer {
  readonly status: number;
  readonly body?: object;
}

/** The API of Lambda Core: network connectors and their tags. Members begin with a capital, those of errors, too. */
export class ConnectorService implements ApiService {
  constructor(private readonly connectors: NetworkConnectors) {}

  async handle(request: ApiRequest): Promise<ApiResponse> {
    try {
      const { status, body } = this.#answer(request);
      return { status, headers: { 'content-type': 'application/json' }, ...(body && { body: JSON.stringify(body) }) };
    } catch (error) {
      return connectorError(error);
    }
  }

  #answer(request: ApiRequest): Answer {
    const [tagged, resource] = TAGS.exec(request.path) ?? [];
    if (tagged) return this.#tags(decoded(resource), request);
    const [, encoded] = CONNECTORS.exec(request.path) ?? [];
    if (encoded === undefined) return this.#onAll(request);
    const identifier = decoded(encoded);
    switch (request.method) {
      case 'GET': {
        const { record, version } = this.connectors.find(identifier);
        return { status: 200, body: connectorView(record, version) };
      }
      case 'PUT': return { status: 202, body: connectorView(this.connectors.update(identifier, parseBody(request.body))) };
      case 'DELETE': return { status: 202, body: connectorView(this.connectors.delete(identifier)) };
      default: throw unknownOperation(request);
    }
  }

  #onAll(request: ApiRequest): Answer {
    const { method, query, body } = request;
    if (method === 'GET') return { status: 200, body: this.#list(query) };
    if (method !== 'POST') throw unknownOperation(request);
    const input: ConnectorInput = parseBody(body);
    if (typeof input.ClientToken !== 'string' || input.ClientToken === '') throw invalidConnector('ClientToken must not be null');
    return { status: 202, body: connectorView(this.connectors.create(input)) };
  }

  /** The marker is the id that the page before ended with. */
  #list(query: URLSearchParams): object {
    const limit = Number(query.get('MaxItems') ?? MAX_ITEMS);
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_ITEMS) throw invalidConnector(`MaxItems must be 1 to ${MAX_ITEMS}`);
    const marker = query.get('Marker');
    const state = query.get('State');
    const all = this.connectors.all();
    const from = marker === null ? 0 : all.findIndex(({ id }) => id === marker) + 1;
    if (marker !== null && from === 0) throw invalidConnector('Marker is invalid');
    const rest = all.slice(from).filter((record) => state === null || record.state === state);
    const page = rest.slice(0, limit);
    return {
      NetworkConnectors: page.map(connectorSummary),
      NextMarker: rest.length > page.length ? page[page.length - 1].id : null,
    };
  }

  #tags(arn: string, { method, query, body }: ApiRequest): Answer {
    const { record } = this.connectors.find(arn);
    if (method === 'GET') return { status: 200, body: { Tags: record.tags } };
    if (method === 'POST') record.tags = { ...record.tags, ...readTags(parseBody(body).Tags) };
    const removed = query.getAll('tagKeys');
    record.tags = Object.fromEntries(Object.entries(record.tags).filter(([key]) => !removed.includes(key)));
    return { status: 204 };
  }
}

export function connectorError(error: unknown): ApiResponse {
  const known = error instanceof ServiceError ? error : new ServiceError('ServiceException', String(error), 500);
  const headers = { 'content-type': 'application/json', 'x-amzn-errortype': known.code };
  const Type = known.status < 500 ? 'User' : 'Service';
  return { status: known.status, headers, body: JSON.stringify({ Type, Message: known.message }) };
}

function unknownOperation({ method, path }: ApiRequest): ServiceError {
  return new ServiceError('ResourceNotFoundException', `there is no ${method} ${path.slice(0, 256)}`, 404);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw invalidConnector('the identifier is not percent-encoded');
  }
}
