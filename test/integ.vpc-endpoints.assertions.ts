import type { IntegDeployment } from './end-to-end/integ-deployment';

/** The local cloud has no networks, so that the function needs no endpoint here: what they let through is theirs to say. */
export async function assertions(deployment: IntegDeployment): Promise<void> {
  const { cloud, stack } = deployment;
  const { payload } = await cloud.invoke(stack.outputs.CallerName, { operation: 'list' });
  expect(payload).toMatchObject({ result: { sandboxes: [] } });

  const endpoints = await deployment.resources('AWS::EC2::VPCEndpoint');
  expect(endpoints).toHaveLength(2);
  const allocator = stack.resources.find(({ physicalId }) => stack.outputs.SandboxPool.endsWith(`:${physicalId}`))?.logicalId ?? 'no allocator';
  const [vpc] = await deployment.resources('AWS::EC2::VPC');
  const shape = (service: string, Action: string) => expect.objectContaining({
    PrivateDnsEnabled: true,
    ServiceName: { 'Fn::Join': ['', ['com.amazonaws.', { Ref: 'AWS::Region' }, `.${service}`]] },
    VpcId: { Ref: vpc.logicalId },
    PolicyDocument: expect.objectContaining({ Statement: [expect.objectContaining({ Action })] }),
  });
  expect(endpoints.map(({ properties }) => properties)).toEqual(expect.arrayContaining([
    shape('lambda', 'lambda:InvokeFunction'), shape('lambda-microvm', 'lambda:ConnectMicrovm'),
  ]));
  expect(JSON.stringify(endpoints)).toContain(JSON.stringify({ 'Fn::GetAtt': [allocator, 'Arn'] }));
}
