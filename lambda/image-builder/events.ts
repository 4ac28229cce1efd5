/** What CDK's Provider framework hands to both handlers. */
export interface ProviderEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  /** Names one attempt of CloudFormation. */
  readonly RequestId: string;
  readonly StackId: string;
  readonly LogicalResourceId: string;
  readonly ResourceProperties: unknown;
  /** The image's ARN; absent on Create. */
  readonly PhysicalResourceId?: string;
}

/** The framework passes members that it does not know on to `isComplete`. */
export interface OnEventResult {
  readonly PhysicalResourceId?: string;
  /** The version that is being built; absent while the service does not take the update yet. */
  readonly ImageVersion?: string;
}

export interface IsCompleteEvent extends ProviderEvent {
  readonly PhysicalResourceId: string;
  readonly ImageVersion?: string;
}

export type IsCompleteResult =
  | { readonly IsComplete: false }
  | { readonly IsComplete: true; readonly Data?: Readonly<Record<string, string>> };
