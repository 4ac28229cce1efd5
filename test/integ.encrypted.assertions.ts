import type { IntegDeployment } from './end-to-end/integ-deployment';

/** Where each type names its key. */
const KEYED = {
  'AWS::DynamoDB::Table': ['SSESpecification', 'KMSMasterKeyId'],
  'AWS::Lambda::Function': ['KmsKeyArn'],
  'AWS::Logs::LogGroup': ['KmsKeyId'],
  'AWS::S3::Bucket': ['BucketEncryption', 'ServerSideEncryptionConfiguration', '0', 'ServerSideEncryptionByDefault', 'KMSMasterKeyID'],
};

/** Its environment is what Lambda encrypts of a function. */
function isFunctionWithoutEnvironment(type: string, properties: unknown): boolean {
  return type === 'AWS::Lambda::Function' && !Object.hasOwn(properties as object, 'Environment');
}

/** The local cloud encrypts nothing: what came up names the key. */
export async function assertions(deployment: IntegDeployment): Promise<void> {
  const [key] = await deployment.resources('AWS::KMS::Key');
  for (const [type, path] of Object.entries(KEYED)) {
    const resources = await deployment.resources(type);
    const all = resources.map(({ properties }) => properties);
    const keyed = all.filter((properties) => !isFunctionWithoutEnvironment(type, properties));
    expect(keyed).not.toEqual([]);
    for (const properties of keyed) expect(properties).toHaveProperty(path, { 'Fn::GetAtt': [key.logicalId, 'Arn'] });
  }

  await using sandbox = await deployment.client.create();
  expect(await sandbox.commands.run('echo here')).toMatchObject({ exitCode: 0, stdout: 'here\n' });
}
