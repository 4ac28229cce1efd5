export type { ApiRequest, ApiResponse, ApiService, LogSink, ObjectReader } from './api';
export type { Clock, LocalClock, Timer } from './clock';
export type { CloudEvent, LogEvent, ResourceEvent, ResourceStatus, StackEvent, StackStatus, WarningEvent } from './cloud-event';
export type { DeployedStack } from './deploy/deployer';
export { DeployError } from './deploy/stack';
export type { AuthorizationDecision, AuthorizationRequest, Authorize, ContextKeys, DeniedEvent } from './iam/authorization';
export type { NamedPolicy } from './iam/role-store';
export type { Faults } from './faults/faults';
export type {
  ConflictingWrites, Delay, ExceededQuota, FailingBuild, HangingHook, LostAnswer, MicrovmDeath, OperationFault, Refusal,
  RefusingEndpoint, SlowStorage,
} from './faults/fault-options';
export type { Occurrence } from './faults/occurrence';
export type { Inventory } from './inventory';
export type { InvokeResult } from './local-cloud';
export type { LocalCloudOptions } from './local-cloud-options';
export type {
  BaseImages, BaseImageStatus, BaseImageVersion, Isolation, MemoryCounting, MicrovmQuotas, MicrovmService,
  MicrovmState, MicrovmSummary, RatedOperation, ServiceBehaviour,
} from './microvms';
export { LocalCloud } from './local-cloud';
export { startLocalCloud } from './start-local-cloud';
export type { EngineChoice } from './microvms/container/container-engine';
