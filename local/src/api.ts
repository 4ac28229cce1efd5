/** A request to one of the local services, read whole. */
export interface ApiRequest {
  readonly method: string;
  /** Path without the query, as sent: percent-encoding is kept. */
  readonly path: string;
  /** The path that the caller signed, where the host name said the rest of it. Left out: `path`. */
  readonly signedPath?: string;
  readonly query: URLSearchParams;
  /** The query as sent, percent-encoding kept; left out by callers that are not HTTP. */
  readonly rawQuery?: string;
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

/** A request with what the gateway knows about it. */
export interface ApiCall {
  /** The service's name in the credential scope; `microvms` and `connectors` for what signs as `lambda`, too. */
  readonly service: string;
  /** AWS's name of the operation, as in `RunMicrovm`; empty if the service has no such operation. */
  readonly operation: string;
  /** The Region of the credential scope; empty if the request was not signed. */
  readonly region: string;
  readonly request: ApiRequest;
}

/** Stands between the gateway and the services, and may answer in their place. */
export interface Guard {
  /** Before the service sees the call. An answer takes the place of the service's. */
  admit?(call: ApiCall): Promise<ApiResponse | undefined>;
  /** After the call took effect. Undefined: the answer never leaves, the caller waits until it gives up. */
  release?(call: ApiCall, answer: ApiResponse): Promise<ApiResponse | undefined>;
}

/** Where a service writes what AWS would write to CloudWatch Logs. */
export interface LogSink {
  /** `time`: epoch milliseconds. Default: now. */
  write(logGroup: string, logStream: string, message: string, time?: number): void;
  /** Left out: a group is there once something was written to it. */
  hasGroup?(logGroup: string): boolean;
}

/** The network connectors of the account. */
export interface ConnectorDirectory {
  /** Of a connector, or of one version of it. Undefined: there is none. */
  stateOf(arn: string): string | undefined;
}

/** What the MicroVMs service reads artifacts from. Undefined: there is no such object. */
export interface ObjectReader {
  read(bucket: string, key: string): Promise<Buffer | undefined>;
  /** Left out: a bucket that is not there looks like an object that is not there. */
  hasBucket?(bucket: string): boolean;
}
