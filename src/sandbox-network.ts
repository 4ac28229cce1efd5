import { Stack } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { AllowDomainsOptions } from './domain-enforcement';
import type { NetworkPolicy } from './network-policy';
import type { FixedEgress } from './private/network/egress';
import type { GivenVpc } from './private/network/given-vpc';
import { ImportedEgress } from './private/network/imported-egress';
import { InternetEgress } from './private/network/internet-egress';
import { IsolatedEgress } from './private/network/isolated-egress';
import { VpcEgress } from './private/network/vpc-egress';
import { ValidationError } from './validation-error';

/** Where a network that lets nothing out has its network interfaces. */
export interface IsolatedNetworkOptions {
  /**
   * The VPC. Security groups do not stop queries to its resolver, and a query carries data out: use one whose `enableDnsSupport` is false.
   *
   * @default - one of its own in each stack, without gateways and without a resolver; nothing of it is billed
   */
  readonly vpc?: ec2.IVpc;

  /**
   * Subnets of `vpc` for the network interfaces, 1 to 16. The platform is not in every availability zone: not in `use1-az3`.
   *
   * @default - the VPC's private subnets, if it has any
   */
  readonly subnets?: ec2.SubnetSelection;
}

/** Where a VPC network's traffic leaves. */
export interface VpcNetworkOptions {
  /**
   * The VPC that sandboxes reach, of the account and Region of the stack.
   *
   * @default - one of its own in each stack, with two private subnets and one NAT gateway: about 37 USD a month in us-east-1, used or not
   */
  readonly vpc?: ec2.IVpc;

  /**
   * Subnets of `vpc` for the network interfaces, 1 to 16. The platform is not in every availability zone: not in `use1-az3`.
   *
   * @default - the VPC's private subnets, if it has any
   */
  readonly subnets?: ec2.SubnetSelection;

  /**
   * Security groups of the network interfaces, 1 to 5: their outbound rules decide what sandboxes reach.
   *
   * @default - a new one that lets nothing out; open it with `allowTo` and `allowDomains`
   */
  readonly securityGroups?: ec2.ISecurityGroupRef[];

  /**
   * Key that encrypts the log of what was cut (`alertLogRetention` of `allowDomains`), the only data that a network keeps. Its policy is amended
   * for CloudWatch Logs where it can be. Of the account and Region of the stack; not with `vpc`, where there is no such log.
   *
   * @default - a key of CloudWatch Logs
   */
  readonly encryptionKey?: kms.IKeyRef;
}

/** What a network looks like inside of one stack. */
interface BoundNetwork {
  /** Exactly one: on this platform an empty list means the internet. */
  readonly egressConnectorArns: string[];
  /** As of now: it changes with `allowDomains`. */
  readonly policy: NetworkPolicy;
}

/**
 * What sandboxes, or the build of an image, can reach. It cannot change while a sandbox lives.
 *
 * Each stack that uses a network gets its own connector, with network interfaces that take 4 to 10 minutes to come and go. It is named after
 * the pool or image that uses the network first: where another one comes to be the first, the connector is replaced.
 */
export class SandboxNetwork implements ec2.IConnectable {
  /** Straight to the internet, TCP only, from addresses of the platform. */
  public static internet(): SandboxNetwork {
    return new SandboxNetwork(new InternetEgress());
  }

  /**
   * Nothing at all. Sandboxes are still reached from outside: commands, files and ports work. What goes through S3 does not.
   */
  public static isolated(options: IsolatedNetworkOptions = {}): SandboxNetwork {
    return new SandboxNetwork(new IsolatedEgress(givenVpc(options)));
  }

  /**
   * Into a VPC, as far as it is opened: with `allowTo`, `allowDomains` or security groups. The internet is reached only where the VPC has
   * a NAT gateway.
   */
  public static vpc(options: VpcNetworkOptions = {}): SandboxNetwork {
    const { vpc, securityGroups, encryptionKey } = options;
    if (vpc !== undefined && encryptionKey !== undefined) {
      throw new ValidationError(
        'encryptionKey: encrypts the log of DomainEnforcement.SNI, which a network in a VPC that is given does not have; leave one of the two out',
      );
    }
    return new SandboxNetwork(new VpcEgress(givenVpc(options), { securityGroups, encryptionKey }));
  }

  /**
   * Through a connector that was made elsewhere, for MicroVMs. What it lets out is not known here, and cannot be opened or narrowed here.
   */
  public static fromNetworkConnector(connector: lambda.INetworkConnectorRef): SandboxNetwork {
    return new SandboxNetwork(new ImportedEgress(connector));
  }

  private readonly bound = new WeakMap<Stack, BoundNetwork>();

  private constructor(private readonly egress: FixedEgress | VpcEgress) {}

  /**
   * The security groups of a VPC network, for the other side: `database.connections.allowFrom(network, ec2.Port.tcp(5432))`.
   *
   * Only VPC networks have any: for others reading this fails.
   */
  public get connections(): ec2.Connections {
    return this.opened().connections;
  }

  /**
   * Lets sandboxes of a VPC network reach a peer: `network.allowTo(database, ec2.Port.tcp(5432))`. A peer with security groups lets them in.
   *
   * Fails for a network that cannot be opened.
   */
  public allowTo(peer: ec2.IConnectable, port: ec2.Port): void {
    this.opened().connections.allowTo(peer, port);
  }

  /**
   * Lets sandboxes of a VPC network reach these names and no others, over HTTPS. Calls add up, to 255 names.
   *
   * `pypi.org` is that name alone; `*.npmjs.org` is all names beneath it. What a page or a download leads to needs its own name, an alias
   * (CNAME) of an allowed name does not. The port is opened to every address: that the name decides is up to `options.enforcement`.
   *
   * With a VPC that is given it holds for everything in that VPC, and fails for a second network in it.
   *
   * @param domains Names, no addresses and no URLs. Names outside of ASCII are taken as punycode.
   */
  public allowDomains(domains: string[], options: AllowDomainsOptions = {}): void {
    this.opened().allowDomains(domains, options);
  }

  /**
   * The connectors to name, made on first use in a stack.
   * @internal
   */
  public _bind(scope: Construct): BoundNetwork {
    const stack = Stack.of(scope);
    const bound = this.bound.get(stack) ?? this.bindFor(scope);
    this.bound.set(stack, bound);
    return bound;
  }

  private bindFor(user: Construct): BoundNetwork {
    const { egress } = this;
    return {
      egressConnectorArns: egress.bind(user),
      get policy() {
        return egress.policy();
      },
    };
  }

  private opened(): VpcEgress {
    if (this.egress instanceof VpcEgress) return this.egress;
    throw new ValidationError(this.egress.fixedBecause);
  }
}

function givenVpc({ vpc, subnets }: IsolatedNetworkOptions): GivenVpc | undefined {
  if (vpc === undefined && subnets !== undefined) {
    throw new ValidationError('subnets: are of a VPC, and none is given; give vpc, too, or leave subnets out');
  }
  return vpc && { vpc, subnets };
}
