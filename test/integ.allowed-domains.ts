import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DomainEnforcement, SandboxImage, SandboxNetwork, SandboxPool } from 'cdk-microvm-sandbox';

/** Sandboxes that reach some names only: by DNS, and by the TLS handshake besides. Each network has a VPC of its own. */
const stack = new Stack(new App(), 'IntegAllowedDomains');
const image = new SandboxImage(stack, 'Image');

const dns = SandboxNetwork.vpc();
dns.allowDomains(['pypi.org', 'files.pythonhosted.org']);
const pool = new SandboxPool(stack, 'Pool', { image, network: dns });

const sni = SandboxNetwork.vpc();
sni.allowDomains(['*.npmjs.org'], { enforcement: DomainEnforcement.SNI, alertLogRetention: RetentionDays.ONE_WEEK });
const strictPool = new SandboxPool(stack, 'StrictPool', { image, network: sni });

new CfnOutput(stack, 'SandboxPool', { value: pool.allocatorArn });
new CfnOutput(stack, 'StrictSandboxPool', { value: strictPool.allocatorArn });
