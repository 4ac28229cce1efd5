/** A request to one of the local services, read whole. */
export interface ApiRequest {
  readonly method: string;
  /** Path without the query, as sent: percent-encoding is kept. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The access key that signed the request; empty if it was not signed. */
  readonly accessKeyId: string;
}

export interface ApiResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** A service of the local cloud. */
export interface ApiService {
  handle(request: ApiRequest): Promise<ApiResponse>;
}

/** Where a service writes what AWS would write to CloudWatch Logs. */
export interface LogSink {
  write(logGroup: string, logStream: string, message: string): void;
}

/** What the MicroVMs service reads artifacts from. Undefined: there is no such object. */
export interface ObjectReader {
  read(bucket: string, key: string): Promise<Buffer | undefined>;
}
