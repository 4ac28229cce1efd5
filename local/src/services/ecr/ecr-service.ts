import type { ApiRequest, ApiResponse, ApiService } from '../../api';
import { answerJson, ServiceError } from '../service-error';

interface EcrInput {
  readonly repositoryName?: string;
  readonly repositoryNames?: readonly string[];
}

const NO_IMAGES = 'the local cloud has no container images of functions: deploy the function from a zip asset';

/** A registry without repositories: enough for the CDK CLI to see that there are none, and to be told why an image has nowhere to go. */
export class EcrService implements ApiService {
  constructor(private readonly account: string) {}

  handle(request: ApiRequest): Promise<ApiResponse> {
    return answerJson<EcrInput>(request, 'ECR', {
      DescribeRepositories: ({ repositoryNames }) => this.#describeRepositories(repositoryNames),
      DescribeImages: ({ repositoryName }) => this.#refuse(repositoryName),
      GetAuthorizationToken: () => this.#refuseImages(),
    });
  }

  #describeRepositories(names: readonly string[] | undefined): object {
    return names && names.length > 0 ? this.#refuse(names[0]) : { repositories: [] };
  }

  #refuse(name: unknown): never {
    throw new ServiceError(
      'RepositoryNotFoundException',
      `The repository with name '${String(name).slice(0, 256)}' does not exist in the registry with id '${this.account}' (${NO_IMAGES})`,
    );
  }

  #refuseImages(): never {
    throw new ServiceError('InvalidParameterException', NO_IMAGES);
  }
}
