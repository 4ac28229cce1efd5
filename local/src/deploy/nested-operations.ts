import type { NestedInput, NestedStack, NestedStacks } from './nested-stacks';
import type { Stack } from './stack';
import type { Stacks } from './stacks';

/** Stacks in stacks, made by the engine that makes the outer ones. */
export class NestedOperations implements NestedStacks {
  constructor(private readonly stacks: Stacks) {}

  async create(input: NestedInput, parentId: string, onBegun: (id: string) => void): Promise<NestedStack> {
    const { stack, done } = this.stacks.beginCreation(input, parentId);
    onBegun(stack.id);
    await done;
    return nestedStack(stack);
  }

  async update(id: string, input: Omit<NestedInput, 'stackName'>): Promise<NestedStack> {
    const stack = this.stacks.require(id);
    const full = { ...input, stackName: stack.name };
    if (this.stacks.differs(full)) await this.stacks.beginUpdate(full).done;
    return nestedStack(stack);
  }

  async delete(id: string): Promise<void> {
    await this.stacks.settled(id);
    const record = this.stacks.find(id);
    if (record && record.status !== 'DELETE_COMPLETE') await this.stacks.beginDeletion(id).done;
  }
}

function nestedStack({ id, outputs }: Stack): NestedStack {
  return { id, outputs: Object.fromEntries(outputs.map(({ key, value }) => [key, value])) };
}
