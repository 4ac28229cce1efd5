import type { IntegDeployment } from './end-to-end/integ-deployment';
import { vpcConnector } from './end-to-end/network-connector';

/** No packet is filtered by the local cloud: that nothing gets out is said by what the VPC and the security group are made of. */
export async function assertions(deployment: IntegDeployment): Promise<void> {
  await using started = await deployment.start();
  expect(await started.sandbox.commands.run('echo here')).toMatchObject({ exitCode: 0, stdout: 'here\n' });

  const [arn] = deployment.physicalIds('AWS::Lambda::NetworkConnector');
  expect(started.microvm.egressNetworkConnectors).toEqual([expect.stringContaining(arn)]);
  expect(await vpcConnector(deployment.cloud, arn)).toMatchObject({
    State: 'ACTIVE',
    Configuration: {
      VpcEgressConfiguration: {
        SubnetIds: deployment.physicalIds('AWS::EC2::Subnet'),
        SecurityGroupIds: deployment.physicalIds('AWS::EC2::SecurityGroup'),
      },
    },
  });

  const [vpc] = await deployment.resources('AWS::EC2::VPC');
  expect(vpc.properties).toMatchObject({ EnableDnsSupport: false });
  const [group] = await deployment.resources('AWS::EC2::SecurityGroup');
  // CDK's way to say nothing: without any rule AWS adds one that lets all out.
  expect(group.properties).toMatchObject({ SecurityGroupEgress: [{ CidrIp: '255.255.255.255/32', IpProtocol: 'icmp' }] });
  for (const wayOut of ['NatGateway', 'InternetGateway', 'Route', 'SecurityGroupEgress']) {
    expect(deployment.physicalIds(`AWS::EC2::${wayOut}`)).toEqual([]);
  }
}
