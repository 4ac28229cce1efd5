import type { IntegDeployment } from './end-to-end/integ-deployment';

/** Where each type names its key. */
const KEYED: Readonly<Record<string, (properties: never) => unknown>> = {
  'AWS::DynamoDB::Table': ({ SSESpecification }: { SSESpecification?: { KMSMasterKeyId: unknown } }) => SSESpecification?.KMSMasterKeyId,
  'AWS::Lambda::Function': ({ KmsKeyArn }: { KmsKeyArn?: unknown }) => KmsKeyArn,
  'AWS::Logs::LogGroup': ({ KmsKeyId }: { KmsKeyId?: unknown }) => KmsKeyId,
  'AWS::S3::Bucket': ({ BucketEncryption }: { BucketEncryption?: Encryption }) => (
    BucketEncryption?.ServerSideEncryptionConfiguration[0].ServerSideEncryptionByDefault.KMSMasterKeyID
  ),
};

interface Encryption {
  readonly ServerSideEncryptionConfiguration: readonly [{ readonly ServerSideEncryptionByDefault: { readonly KMSMasterKeyID: unknown } }];
}

/** The local cloud encrypts nothing: what came up names the key. */
export async function assertions(deployment: IntegDeployment): Promise<void> {
  const [key] = await deployment.resources('AWS::KMS::Key');
  const without: string[] = [];
  for (const [type, keyOf] of Object.entries(KEYED)) {
    const resources = await deployment.resources(type);
    expect(resources).not.toEqual([]);
    const open = resources.filter(({ properties }) => JSON.stringify(keyOf(properties as never)) !== JSON.stringify({ 'Fn::GetAtt': [key.logicalId, 'Arn'] }));
    without.push(...open.map(({ logicalId }) => logicalId));
  }
  expect(without).toEqual([]);

  await using sandbox = await deployment.client.create();
  expect(await sandbox.commands.run('echo here')).toMatchObject({ exitCode: 0, stdout: 'here\n' });
}
