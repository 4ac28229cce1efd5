import { BuildError, ContainerBuildError } from './build-error';
import type { LogSink, ObjectReader } from '../../api';
import type { RoleAssumer, RoleSession } from '../../role-session';
import { logTarget } from '../guest/log-stream';
import type { Logging } from '../images/image-input';
import type { Place } from '../wire/arns';

/** Writes to one log stream; drops what the build role may not write. */
export type WriteLog = (line: string, time?: number) => void;

const ECR_IMAGE = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com\/([^:@]+)/;
const ECR_ACTIONS = ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'];

/** The service at work for a build: everything it touches, it touches as the build role. */
export class BuildRole {
  /** Fails the build if there is no such role, or if its trust policy does not let the service assume it. */
  static async assume(roles: RoleAssumer, roleArn: string, place: Place): Promise<BuildRole> {
    const session = await roles.assume(roleArn);
    if (session) return new BuildRole(session, place);
    throw new BuildError(`Lambda is unable to assume role ${roleArn}. Check that the role exists and that its trust policy allows `
      + 'lambda.amazonaws.com to call sts:AssumeRole and sts:TagSession.');
  }

  private constructor(private readonly session: RoleSession, private readonly place: Place) {}

  async readArtifact(objects: ObjectReader, uri: string): Promise<Buffer> {
    const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
    if (!await this.session.allows('s3:GetObject', `arn:aws:s3:::${bucket}/${key}`)) {
      throw new BuildError(`S3_ACCESS_DENIED: The build role is not allowed to call s3:GetObject on ${uri}.`);
    }
    if (objects.hasBucket?.(bucket) === false) throw new BuildError(`S3_NO_SUCH_BUCKET: The bucket ${bucket} does not exist.`);
    const object = await objects.read(bucket, key);
    if (!object) throw new BuildError(`S3_NO_SUCH_KEY: The code artifact ${uri} does not exist.`);
    return object;
  }

  /** Fails the build if the image lies in a private repository that the role may not read. All others are free for everybody. */
  async pull(image: string): Promise<void> {
    const [, account, region, repository] = ECR_IMAGE.exec(image) ?? [];
    if (repository === undefined) return;
    const arn = `arn:aws:ecr:${region}:${account}:repository/${repository}`;
    const needed = [['ecr:GetAuthorizationToken', '*'], ...ECR_ACTIONS.map((action) => [action, arn])];
    for (const [action, resource] of needed) {
      if (await this.session.allows(action, resource)) continue;
      throw new ContainerBuildError(`failed to resolve source metadata for ${image}: the build role is not allowed to call ${action} on ${resource}: 403 Forbidden`);
    }
  }

  /** A stream in the image's log group. Without the rights for it nothing is written and nothing is said, as on AWS. */
  async openLog(logs: LogSink, logging: Logging | null, source: Parameters<typeof logTarget>[1]): Promise<WriteLog> {
    const target = logTarget(logging, source);
    if (!target || !await this.#mayWrite(logs, target.group, target.stream)) return () => undefined;
    return (line, time) => logs.write(target.group, target.stream, line, time);
  }

  async #mayWrite(logs: LogSink, group: string, stream: string): Promise<boolean> {
    const groupArn = `arn:aws:logs:${this.place.region}:${this.place.account}:log-group:${group}`;
    if (logs.hasGroup?.(group) === false && !await this.session.allows('logs:CreateLogGroup', groupArn)) return false;
    for (const action of ['logs:CreateLogStream', 'logs:PutLogEvents']) {
      if (!await this.session.allows(action, `${groupArn}:log-stream:${stream}`)) return false;
    }
    return true;
  }
}
