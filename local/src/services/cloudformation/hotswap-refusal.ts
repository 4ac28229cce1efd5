import type { ApiCall, ApiRequest, ApiResponse, ApiService, Guard } from '../../api';
import { protocolError } from '../../protocol-error';
import { ServiceError, targetOperation } from '../service-error';

/** The calls by which `cdk deploy --hotswap` changes what a stack owns behind the stack's back. */
const CHANGES: Readonly<Record<string, ReadonlySet<string>>> = {
  lambda: new Set(['UpdateFunctionCode', 'UpdateFunctionConfiguration', 'PublishVersion', 'UpdateAlias']),
  states: new Set(['UpdateStateMachine']),
};

/** Here functions and state machines are what their stacks say, always. */
export class HotswapRefusal implements Guard {
  async admit({ service, operation }: ApiCall): Promise<ApiResponse | undefined> {
    if (!CHANGES[service]?.has(operation)) return undefined;
    return protocolError(service, new ServiceError('InvalidParameterValueException', reason(operation)));
  }
}

/** Cloud Control API, through which the CDK CLI hotswaps what it has no special way for. */
export class CloudControlRefusal implements ApiService {
  async handle(request: ApiRequest): Promise<ApiResponse> {
    return protocolError('cloudcontrolapi', new ServiceError('UnsupportedActionException', reason(targetOperation(request))));
  }
}

function reason(operation: string): string {
  return `${operation}: in the local cloud only a deployment of its stack changes a resource; deploy without --hotswap`;
}
