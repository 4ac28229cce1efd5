import type { ApiCall, ApiResponse, Guard } from '../api';
import { protocolError } from '../protocol-error';
import type { IamService } from './iam-service';
import { formOf } from '../services/query-protocol';
import { ServiceError } from '../services/service-error';

/** Lets only roles be named for a deployment that CloudFormation can assume. Stands behind `AuthorizationGuard`. */
export class DeploymentRole implements Guard {
  constructor(private readonly iam: IamService) {}

  async admit({ service, request }: ApiCall): Promise<ApiResponse | undefined> {
    if (service !== 'cloudformation' || !this.iam.access.enforced) return undefined;
    const roleArn = formOf(request).get('RoleARN') ?? '';
    if (roleArn === '') return undefined;
    const session = { service: 'cloudformation.amazonaws.com', sessionName: 'AWSCloudFormation', durationMs: 3_600_000 };
    if (await this.iam.assumeAs(roleArn, session)) return undefined;
    return protocolError(service, new ServiceError('ValidationError', `Role ${roleArn} is invalid or cannot be assumed`));
  }
}
