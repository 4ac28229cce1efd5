import { Stack, Token } from 'aws-cdk-lib';
import type * as ecr from 'aws-cdk-lib/aws-ecr';
import type { Construct } from 'constructs';
import type { BoundSource } from './bound-source';
import { fingerprintOf } from './fingerprint';
import { ValidationError } from '../validation-error';

export function checkDigest(digest: string): void {
  if (Token.isUnresolved(digest) || /^sha256:[0-9a-f]{64}$/.test(digest)) return;
  throw new ValidationError(
    `ImageSource.ecr: '${digest}' is not a digest; it is sha256: and 64 hexadecimal digits, as \`docker images --digests\` and ECR show it`,
  );
}

/** The service takes no image as it is, only a build context: one that adds nothing to it. */
export function bindRepository(scope: Construct, repository: ecr.IRepository, digest: string): BoundSource {
  checkAccount(scope, repository);
  return {
    artifact: {
      kind: 'dockerfile',
      text: `FROM ${repository.repositoryUri}@${digest}`,
      // The same digest in another repository is pulled with other rights.
      fingerprint: `${digest.replace('sha256:', '')}-${fingerprintOf(scope, repository.repositoryUri).slice(0, 8)}`,
      grantPull: (grantee) => repository.grantPull(grantee),
    },
  };
}

function checkAccount(scope: Construct, repository: ecr.IRepository): void {
  const [there, here] = [repository.env.account, Stack.of(scope).account];
  if (Token.isUnresolved(there) || Token.isUnresolved(here) || there === here) return;
  throw new ValidationError(
    `ImageSource.ecr: the repository is of account ${there}, and the platform pulls from its own account, ${here}, only; replicate the repository`,
    scope,
  );
}
