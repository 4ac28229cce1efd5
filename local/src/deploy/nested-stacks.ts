/** What a nested stack is to become. */
export interface NestedInput {
  readonly stackName: string;
  readonly templateBody: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

export interface NestedStack {
  /** ARN. */
  readonly id: string;
  readonly outputs: Readonly<Record<string, string>>;
}

/** How a stack makes the stacks that are resources of it. Everything here throws once the nested stack has failed and come to rest. */
export interface NestedStacks {
  /** `onBegun` gets the new stack's ARN, before anything else of it exists. */
  create(input: NestedInput, parentId: string, onBegun: (id: string) => void): Promise<NestedStack>;
  update(id: string, input: Omit<NestedInput, 'stackName'>): Promise<NestedStack>;
  /** One that is gone is no error. */
  delete(id: string): Promise<void>;
}
