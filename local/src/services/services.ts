import { join } from 'node:path';
import type { ApiService } from '../api';
import type { LocalClock } from '../clock';
import { CustomResourceResponses } from './custom-resource-responses';
import { DynamoDbService } from './dynamodb/dynamodb-service';
import { IamService } from './iam';
import { LambdaService } from './lambda/lambda-service';
import { LogsService } from './logs';
import { BucketStore } from './s3/bucket-store';
import { S3Service } from './s3/s3-service';
import { Schedules } from './schedules';
import { StateError } from './step-functions/state-machine';
import { StepFunctionsService } from './step-functions/step-functions-service';

export interface ServicesOptions {
  readonly account: string;
  readonly region: string;
  readonly clock: LocalClock;
  readonly folder: string;
  /** The gateway's port, known once it listens. */
  readonly gatewayPort: () => number;
  /** What every function finds in its environment besides its own variables. */
  readonly cloudEnvironment: () => Readonly<Record<string, string>>;
  readonly onLog: (logGroup: string, message: string) => void;
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
  readonly parameters = new Map<string, string>();
  readonly #s3: S3Service;

  constructor(options: ServicesOptions) {
    const { account, region, clock, folder, onLog } = options;
    this.iam = new IamService(account);
    this.logs = new LogsService(clock, { account, region }, onLog);
    this.buckets = new BucketStore(join(folder, 's3'), clock);
    this.#s3 = new S3Service(this.buckets);
    this.dynamodb = new DynamoDbService(clock, { account, region });
    this.responses = new CustomResourceResponses(region);
    this.lambda = new LambdaService({
      ...options, folder: join(folder, 'lambda'), iam: this.iam, logs: this.logs, responseHost: this.responses.host,
    });
    const place = { account, region, clock };
    this.schedules = new Schedules({ ...place, invoke: (arn, payload) => this.lambda.invokeAsync(arn, payload) });
    this.stepFunctions = new StepFunctionsService({ ...place, runTask: (arn, input) => this.#runTask(arn, input) });
  }

  /** By the name that requests are signed for. */
  get byName(): Readonly<Record<string, ApiService>> {
    return { dynamodb: this.dynamodb, lambda: this.lambda, logs: this.logs, s3: this.#s3, states: this.stepFunctions };
  }

  async start(): Promise<void> {
    await this.dynamodb.start();
  }

  async stop(): Promise<void> {
    this.stepFunctions.stop();
    await this.lambda.stop();
    await this.dynamodb.stop();
  }

  async #runTask(functionArn: string, input: unknown): Promise<unknown> {
    const { payload, functionError } = await this.lambda.invoke(functionArn, JSON.stringify(input));
    const answer: unknown = JSON.parse(payload);
    if (!functionError) return answer;
    throw new StateError((answer as { errorType: string }).errorType, payload);
  }
}
