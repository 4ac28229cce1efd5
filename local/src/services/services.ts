import { join } from 'node:path';
import type { ApiService } from '../api';
import type { LocalClock } from '../clock';
import type { Authorize, DeniedEvent } from '../iam/authorization';
import { DEFAULT_TIME_SCALE } from '../microvms/delays';
import type { Persistent } from '../persistent';
import { FileDisposal } from '../state/file-disposal';
import { CloudControlRefusal } from './cloudformation/hotswap-refusal';
import { LogsService } from './cloudwatch-logs/logs-service';
import { CustomResourceResponses } from './custom-resource-responses';
import { DynamoDbService } from './dynamodb/dynamodb-service';
import { Subnets } from './ec2/subnets';
import { EcrService } from './ecr/ecr-service';
import { IamService } from '../iam/iam-service';
import { LambdaService } from './lambda/lambda-service';
import { ConnectorService } from './network-connectors/connector-service';
import { NetworkConnectors } from './network-connectors/network-connectors';
import { BucketStore } from './s3/bucket-store';
import { S3Service } from './s3/s3-service';
import { Schedules } from './schedules';
import { ParameterStore } from './ssm/parameter-store';
import { SsmService } from './ssm/ssm-service';
import { StateError } from './step-functions/state-machine';
import type { MachineIdentity } from './step-functions/step-functions-service';
import { StepFunctionsService } from './step-functions/step-functions-service';
import { StsService } from './sts/sts-service';

/** What a connector takes on AWS to get its network interfaces, or to lose them: minutes at worst. */
const CONNECTOR_SECONDS = 20;

export interface ServicesOptions {
  readonly account: string;
  readonly region: string;
  readonly clock: LocalClock;
  readonly folder: string;
  /** Default: files that nothing names are removed at once. */
  readonly disposal?: FileDisposal;
  /** The gateway's port, known once it listens. */
  readonly gatewayPort: () => number;
  /** What every function finds in its environment besides its own variables. */
  readonly cloudEnvironment: () => Readonly<Record<string, string>>;
  readonly onLog: (logGroup: string, message: string) => void;
  /** Default: every authenticated caller may do everything. */
  readonly authorize?: Authorize;
  readonly onDenied?: (event: DeniedEvent) => void;
  /** Seconds here for a second that AWS takes. Default: 0.02. */
  readonly timeScale?: number;
}

/** Every service of the local cloud but the MicroVMs. */
export class Services {
  readonly iam: IamService;
  readonly logs: LogsService;
  readonly buckets: BucketStore;
  readonly dynamodb: DynamoDbService;
  readonly lambda: LambdaService;
  readonly stepFunctions: StepFunctionsService;
  readonly schedules: Schedules;
  readonly responses: CustomResourceResponses;
  /** Systems Manager parameters by name. */
  readonly parameters: ParameterStore;
  readonly subnets = new Subnets();
  readonly connectors: NetworkConnectors;
  readonly #s3: S3Service;
  readonly #ssm: SsmService;
  readonly #sts: StsService;
  readonly #ecr: EcrService;

  constructor(options: ServicesOptions) {
    const { account, region, clock, folder, onLog, disposal = new FileDisposal(false) } = options;
    this.iam = new IamService(account, { ...options, resourcePolicy: (arn) => this.#policyOf(arn) });
    this.logs = new LogsService(clock, { account, region }, onLog);
    this.buckets = new BucketStore(join(folder, 's3'), clock, disposal);
    this.#s3 = new S3Service(this.buckets, clock);
    this.parameters = new ParameterStore(clock);
    this.#ssm = new SsmService(this.parameters, { account, region });
    this.#sts = new StsService(this.iam, account);
    this.#ecr = new EcrService(account);
    this.dynamodb = new DynamoDbService(clock, { account, region });
    this.responses = new CustomResourceResponses(region);
    this.lambda = new LambdaService({
      ...options, disposal, folder: join(folder, 'lambda'), iam: this.iam, logs: this.logs, responseHost: this.responses.host,
    });
    const place = { account, region, clock };
    this.schedules = new Schedules({
      ...place, invoke: (arn, payload, ruleArn) => this.#invokeForRule(arn, payload, ruleArn),
    });
    this.connectors = new NetworkConnectors({
      ...place,
      subnets: this.subnets,
      assumes: (roleArn) => this.#assumesOperator(roleArn),
      provisioningMs: CONNECTOR_SECONDS * 1000 * (options.timeScale ?? DEFAULT_TIME_SCALE),
    });
    this.stepFunctions = new StepFunctionsService({
      ...place, runTask: (arn, input, machine) => this.#runTask(arn, input, machine),
    });
  }

  /** By the name that requests are signed for. */
  get byName(): Readonly<Record<string, ApiService>> {
    return {
      cloudcontrolapi: new CloudControlRefusal(),
      connectors: new ConnectorService(this.connectors),
      dynamodb: this.dynamodb,
      ecr: this.#ecr,
      lambda: this.lambda,
      logs: this.logs,
      s3: this.#s3,
      ssm: this.#ssm,
      states: this.stepFunctions,
      sts: this.#sts,
    };
  }

  /** What is kept over a restart, in the order of restoring. */
  get persistent(): Readonly<Record<string, Persistent>> {
    const { iam, logs, buckets: s3, dynamodb, lambda, stepFunctions: states, schedules: events, parameters } = this;
    const { subnets, connectors } = this;
    return { iam, logs, s3, dynamodb, lambda, states, events, parameters, subnets, connectors };
  }

  async stop(): Promise<void> {
    this.stepFunctions.stop();
    await this.buckets.close();
    await this.lambda.stop();
    await this.dynamodb.stop();
  }

  /** The policy that is attached to a resource itself. */
  #policyOf(arn: string): unknown {
    const [, , service, , , type = '', name = ''] = arn.split(':');
    if (service === 'lambda' && type === 'function') return this.lambda.policy(name);
    const bucket = service === 's3' ? type.split('/')[0] : '';
    const policy = this.buckets.hasBucket(bucket) ? this.buckets.bucket(bucket).policy : undefined;
    return policy === undefined ? undefined : JSON.parse(policy);
  }

  /** EventBridge tells nobody of a function that does not let it in. */
  async #invokeForRule(functionArn: string, payload: string, ruleArn: string): Promise<void> {
    const caller = this.iam.service('events.amazonaws.com', ruleArn);
    if (await this.iam.access.refusal(caller, { action: 'lambda:InvokeFunction', resource: functionArn })) return;
    await this.lambda.invokeAsync(functionArn, payload);
  }

  /** Whoever assumes a connector's operator role says neither its account nor an ARN. */
  async #assumesOperator(roleArn: string): Promise<boolean> {
    const session = { service: 'lambda.amazonaws.com', sessionName: 'network-connector', durationMs: 3_600_000, presentsAccount: false };
    return await this.iam.assumeAs(roleArn, session) !== undefined;
  }

  async #runTask(functionArn: string, input: unknown, { arn, roleArn }: MachineIdentity): Promise<unknown> {
    const sessionName = arn.split(':').at(-1) ?? '';
    const session = { service: 'states.amazonaws.com', sessionName, durationMs: 3_600_000 };
    const role = await this.iam.assumeAs(roleArn, session);
    if (!role) throw new StateError('States.TaskFailed', `The role ${roleArn} cannot be assumed by Step Functions.`);
    if (!await role.allows('lambda:InvokeFunction', functionArn)) {
      throw new StateError('Lambda.AWSLambdaException', `The role ${roleArn} is not authorized to perform: lambda:InvokeFunction on resource: ${functionArn}`);
    }
    const { payload, functionError } = await this.lambda.invoke(functionArn, JSON.stringify(input));
    const answer: unknown = JSON.parse(payload);
    if (!functionError) return answer;
    throw new StateError((answer as { errorType: string }).errorType, payload);
  }
}
