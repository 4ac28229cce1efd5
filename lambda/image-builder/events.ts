/** What CDK's Provider framework hands to both handlers. */
export interface ProviderEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  /** Names one attempt of CloudFormation. */
  readonly RequestId: string;
  readonly StackId: string;
  readonly LogicalResourceId: string;
  readonly ResourceProperties: unknown;
  /** Those that this update replaces. A rollback has the failed ones here. */
  readonly OldResourceProperties?: unknown;
  /** The image's ARN; absent on Create. */
  readonly PhysicalResourceId?: string;
}

/** The framework passes members that it does not know on to `isComplete`. */
export interface OnEventResult {
  readonly PhysicalResourceId?: string;
  /** Epoch milliseconds. */
  readonly StartedAt: number;
  /** Bare major version; absent if the service did not tell it when it was asked. */
  readonly BaseImageVersion?: string;
  readonly BaseImageStatus?: string;
}

export interface IsCompleteEvent extends ProviderEvent, OnEventResult {
  readonly PhysicalResourceId: string;
}

export type IsCompleteResult =
  | { readonly IsComplete: false }
  | { readonly IsComplete: true; readonly Data?: Readonly<Record<string, string>> };
