import { ArnFormat, Resource, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { injectedProps } from './private/injected-props';
import { checkEnvironment } from './private/network/environment';
import { withRules } from './private/network/security-groups';
import type { ISandboxPool } from './sandbox-pool';
import { ValidationError } from './validation-error';

/** Where callers are, and what they may reach. */
export interface SandboxVpcEndpointsProps {
  /** The VPC that callers are in. Its DNS support and DNS hostnames have to be on: private names need both. */
  readonly vpc: ec2.IVpc;

  /**
   * Subnets for the endpoints, one per availability zone. Each endpoint is billed by the hour for each of them.
   *
   * @default - the VPC's private subnets, if it has any
   */
  readonly subnets?: ec2.SubnetSelection;

  /**
   * Security groups of the endpoints. They have to let port 443 in: they are taken as they are.
   *
   * @default - a new one for each, open to the VPC
   */
  readonly securityGroups?: ec2.ISecurityGroupRef[];

  /**
   * The pools whose allocators may be called. Everything else that calls Lambda from this VPC goes through the same endpoint and is
   * refused, whatever it does there.
   *
   * @default - any function of this account may be invoked
   */
  readonly pools?: ISandboxPool[];
}

/**
 * Lets callers in a VPC use pools and sandboxes without a way to the internet: one interface endpoint for the allocators, one for the
 * sandboxes themselves.
 *
 * The second has the private name `*.lambda-microvm.<region>.on.aws`, so clients need no change. Costs about 15 USD a month per subnet in
 * us-east-1, and by the GB. A VPC can have one of each with private names: a second `SandboxVpcEndpoints` in it fails to deploy.
 */
export class SandboxVpcEndpoints extends Resource implements ec2.IConnectable {
  /** Uniquely identifies this class for property injection. */
  public static readonly PROPERTY_INJECTION_ID: string = 'cdk-microvm-sandbox.SandboxVpcEndpoints';

  /** For the allocators: the API of Lambda. */
  public readonly control: ec2.IInterfaceVpcEndpoint;
  /** For the sandboxes: commands, files, ports. */
  public readonly data: ec2.IInterfaceVpcEndpoint;
  /** The security groups of both endpoints, for port 443. */
  public readonly connections: ec2.Connections;

  constructor(scope: Construct, id: string, props: SandboxVpcEndpointsProps) {
    super(scope, id);
    const injected = injectedProps({ scope, id, uniqueId: SandboxVpcEndpoints.PROPERTY_INJECTION_ID }, props);
    checkProps(this, injected);
    const control = this.createEndpoint('Control', 'lambda', injected);
    control.addToPolicy(this.invokeStatement(injected.pools));
    const data = this.createEndpoint('Data', 'lambda-microvm', injected);
    data.addToPolicy(this.connectStatement());
    this.control = control;
    this.data = data;
    this.connections = new ec2.Connections({
      securityGroups: [...new Set([control, data].flatMap(({ connections }) => connections.securityGroups))],
      defaultPort: ec2.Port.HTTPS,
    });
  }

  private createEndpoint(id: string, service: string, props: SandboxVpcEndpointsProps): ec2.InterfaceVpcEndpoint {
    return new ec2.InterfaceVpcEndpoint(this, id, {
      vpc: props.vpc,
      subnets: props.subnets,
      securityGroups: props.securityGroups?.map(withRules),
      // The CDK would open groups that are given, too.
      open: props.securityGroups === undefined,
      service: new ec2.InterfaceVpcEndpointService(`com.amazonaws.${Stack.of(this).region}.${service}`, 443),
      privateDnsEnabled: true,
    });
  }

  /** Who calls is checked by IAM besides. A policy of an endpoint needs a principal, and this one says nothing about it. */
  private invokeStatement(pools?: ISandboxPool[]): iam.PolicyStatement {
    const anyFunction = Stack.of(this).formatArn({
      service: 'lambda', resource: 'function', resourceName: '*', arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    return new iam.PolicyStatement({
      principals: [new iam.AnyPrincipal()],
      actions: ['lambda:InvokeFunction'],
      resources: pools?.map(({ allocatorArn }) => allocatorArn) ?? [anyFunction],
    });
  }

  /** `ConnectMicrovm` knows no resource and no caller: the sandbox's own token decides. That it is one of this account is left to say. */
  private connectStatement(): iam.PolicyStatement {
    return new iam.PolicyStatement({
      principals: [new iam.AnyPrincipal()],
      actions: ['lambda:ConnectMicrovm'],
      resources: ['*'],
      conditions: { StringEquals: { 'aws:ResourceAccount': Stack.of(this).account } },
    });
  }
}

function checkProps(endpoints: SandboxVpcEndpoints, { vpc, securityGroups, pools }: SandboxVpcEndpointsProps): void {
  const stack = Stack.of(endpoints);
  checkEnvironment('vpc', vpc, stack);
  for (const pool of pools ?? []) checkEnvironment('pools', pool, stack);
  if (pools?.length === 0) {
    throw new ValidationError('pools: got none, allowed are 1 or more; leave it out to allow any function of this account', endpoints);
  }
  if (securityGroups?.length === 0) {
    throw new ValidationError('securityGroups: got none, allowed are 1 or more; leave it out to get new ones', endpoints);
  }
}
