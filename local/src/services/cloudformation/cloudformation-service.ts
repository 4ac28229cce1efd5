import type { ApiRequest, ApiResponse, ApiService } from '../../api';
import type { Persistent } from '../../persistent';
import type { QueryOperation } from '../query-protocol';
import { answerQuery } from '../query-protocol';
import type { ChangeSet } from './change-set';
import type { ChangeSetsOptions } from './change-sets';
import { ChangeSets } from './change-sets';
import { StackChanges } from './stack-changes';
import { StackHistory } from './stack-history';
import { StackQueries } from './stack-queries';
import { TemplateReports } from './template-reports';

/** CloudFormation's API, in front of the engine that `LocalCloud.deploy()` uses, too. */
export class CloudFormationService implements ApiService, Persistent {
  readonly #changeSets: ChangeSets;
  readonly #operations: Readonly<Record<string, QueryOperation>>;

  constructor(options: ChangeSetsOptions) {
    const { engine, objects } = options;
    this.#changeSets = new ChangeSets(options);
    this.#operations = {
      ...new StackChanges(engine, objects).operations,
      ...new StackQueries(engine).operations,
      ...new StackHistory(engine).operations,
      ...new TemplateReports(engine, objects).operations,
      ...this.#changeSets.operations,
    };
  }

  handle(request: ApiRequest): Promise<ApiResponse> {
    return answerQuery(request, {
      name: 'cloudformation',
      namespace: 'http://cloudformation.amazonaws.com/doc/2010-05-15/',
      operations: this.#operations,
    });
  }

  save(): unknown {
    return { changeSets: this.#changeSets.save() };
  }

  restore(state: unknown): void {
    const { changeSets } = state as { changeSets: ChangeSet[] };
    this.#changeSets.restore(changeSets);
  }
}
