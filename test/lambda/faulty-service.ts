/** A double of a service that notes its calls and fails where a test says so. */
export abstract class FaultyService {
  readonly calls: string[] = [];
  /** Errors to throw before or after the effect of the next calls of an operation. */
  readonly faults: { operation: string; when: 'before' | 'after'; error: Error }[] = [];

  protected async call<T>(operation: string, work: () => Promise<T>): Promise<T> {
    this.calls.push(operation);
    this.strike(operation, 'before');
    const result = await work();
    this.strike(operation, 'after');
    return result;
  }

  private strike(operation: string, when: 'before' | 'after'): void {
    const index = this.faults.findIndex((fault) => fault.operation === operation && fault.when === when);
    if (index >= 0) throw this.faults.splice(index, 1)[0].error;
  }
}
