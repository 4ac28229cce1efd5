/** A function as it was created. */
export interface FunctionDefinition {
  readonly name: string;
  /** A number, or `$LATEST`. */
  readonly version: string;
  /** As in `nodejs22.x`; only Node runs here. */
  readonly runtime: string;
  readonly handler: string;
  readonly roleArn: string;
  /** Where the code lies unpacked. */
  readonly codeFolder: string;
  readonly codeSha256: string;
  readonly timeoutSeconds: number;
  readonly memoryMib: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly description: string;
  readonly logGroup: string;
  readonly logFormat: 'Text' | 'JSON';
  /** With the format JSON: what is below this level is not written. */
  readonly logLevel: string;
  readonly reservedConcurrency?: number;
  readonly lastModified: number;
}

/** How a failed asynchronous invocation is tried again. */
export interface AsyncConfiguration {
  /** 0 to 2. */
  readonly maximumRetryAttempts: number;
}
