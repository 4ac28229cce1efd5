import { Duration, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as events from 'aws-cdk-lib/aws-events';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import * as assets from 'aws-cdk-lib/aws-s3-assets';
import {
  BaseImage, DomainEnforcement, ImageSource, SandboxExecutionRole, SandboxImage, SandboxNetwork, SandboxPool,
  SandboxVpcEndpoints,
} from 'cdk-microvm-sandbox';
import type { Construct } from 'constructs';
import { DOCKERFILE_DIRECTORY } from './directories';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

/** Everything that the constructs can make, in one stack: what it holds is looked at by the checks of whole templates. */
export class KitchenSinkStack extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);
    const encryptionKey = new kms.Key(this, 'Key', { enableKeyRotation: true });
    const vpc = ec2.Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId: 'vpc-0123456789abcdef0',
      vpcCidrBlock: '10.1.0.0/16',
      availabilityZones: ['us-east-1a'],
      privateSubnetIds: ['subnet-0123456789abcdef0'],
    });
    const executionRole = new SandboxExecutionRole(this, 'SandboxRole');
    Validations.of(executionRole).acknowledge({
      id: 'NIST.800.53.R5-IAMNoInlinePolicy', reason: 'The role is the user\'s, who decides where the right to write the log stands.',
    });

    const pool = new SandboxPool(this, 'Pool', { network: this.allowedByName(vpc), executionRole, shellAccess: true });
    new SandboxPool(this, 'Encrypted', {
      image: new SandboxImage(this, 'EncryptedImage', { encryptionKey }), encryptionKey, network: this.allowedByConnection(),
    });
    this.images().forEach((image, index) => new SandboxPool(this, `Pool${index}`, { image, network: SandboxNetwork.isolated() }));
    new SandboxVpcEndpoints(this, 'Endpoints', { vpc, pools: [pool] });
  }

  private allowedByName(vpc: ec2.IVpc): SandboxNetwork {
    const network = SandboxNetwork.vpc({ vpc });
    network.allowDomains(['pypi.org', '*.npmjs.org']);
    return network;
  }

  private allowedByConnection(): SandboxNetwork {
    const network = SandboxNetwork.vpc();
    network.allowDomains(['pypi.org'], { enforcement: DomainEnforcement.SNI });
    return network;
  }

  private images(): SandboxImage[] {
    const zip = new assets.Asset(this, 'Zip', { path: DOCKERFILE_DIRECTORY });
    const bucket = s3.Bucket.fromBucketName(this, 'Bucket', 'builds');
    const repository = ecr.Repository.fromRepositoryName(this, 'Repository', 'app');
    return [
      new SandboxImage(this, 'Following', {
        baseImage: BaseImage.latest(),
        rebuildOnNewBase: events.Schedule.rate(Duration.days(1)),
        network: SandboxNetwork.isolated(),
      }),
      new SandboxImage(this, 'OwnServer', { source: ImageSource.directory(DOCKERFILE_DIRECTORY) }),
      new SandboxImage(this, 'OwnDockerfile', { source: ImageSource.directory(DOCKERFILE_DIRECTORY, { runtime: true }) }),
      new SandboxImage(this, 'OfAsset', { source: ImageSource.asset(zip), artifactBucket: bucket }),
      new SandboxImage(this, 'OfBucket', { source: ImageSource.bucket(bucket, 'app.zip', { objectVersion: 'v1' }) }),
      new SandboxImage(this, 'OfRepository', { source: ImageSource.ecr(repository, DIGEST) }),
    ];
  }
}
