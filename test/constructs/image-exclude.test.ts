import { readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { App } from 'aws-cdk-lib';
import { ImageSource, SandboxImage } from 'cdk-microvm-sandbox';
import { directoryWith } from './directories';
import { newStack, propertiesOf } from './synthesized';

const SECRETS = [
  '.git/config', '.hg/hgrc', '.svn/entries', 'node_modules/x/index.js', 'cdk.out/manifest.json',
  '.env', '.env.production', '.envrc', '.npmrc', '.netrc', '_netrc', '.pypirc', '.git-credentials', '.htpasswd', '.pgpass', '.my.cnf',
  '.mylogin.cnf', '.vault-token', '.s3cfg', '.boto', '.databrickscfg', '.dockercfg', 'kubeconfig', '.terraformrc',
  '.cargo/credentials', '.cargo/credentials.toml', '.gem/credentials', '.m2/settings.xml', '.m2/settings-security.xml',
  '.aws/credentials', '.azure/accessTokens.json', '.gcloud/x', '.config/gcloud/x', '.config/gh/hosts.yml', '.config/doctl/config.yaml',
  '.kube/config', '.docker/config.json', '.oci/config', '.ssh/known_hosts', '.gnupg/x', '.pulumi/credentials.txt',
  '.terraform/providers/x', 'terraform.tfstate', 'terraform.tfstate.backup', 'prod.tfvars', 'prod.tfvars.json',
  'a.pem', 'a.key', 'a.p8', 'a.p12', 'a.pfx', 'a.jks', 'a.keystore', 'a.bks', 'a.ppk', 'a.kdbx',
  'id_rsa', 'id_dsa', 'id_ecdsa', 'id_ecdsa_sk', 'id_ed25519', 'id_ed25519_sk',
  'credentials.json', 'application_default_credentials.json', 'service-account.json', 'service-account-prod.json', 'service_account.json',
  'serviceAccountKey.json', 'client_secret_1.json',
  '.bash_history', '.zsh_history', '.python_history', '.node_repl_history', '.psql_history', '.mysql_history', '.histfile', '.lesshst',
  '.viminfo',
];
/** What looks alike and is no secret. */
const WANTED = [
  'Dockerfile', '.dockerignore', '.gitignore', '.terraform.lock.hcl', 'main.tf', 'key.ts', 'pem.md', 'id_rsa.pub', 'env', 'environment.txt',
  '.config/app.json', 'credentials.ts', 'history', '.eslintrc.json', 'monkey', '.dockerrc',
];

function published(files: readonly string[], exclude: string[] = [], runtime = false): string[] {
  const stack = newStack();
  const path = directoryWith(Object.fromEntries(files.map((file) => [file, ''])));
  new SandboxImage(stack, 'Image', { source: ImageSource.directory(path, { exclude, runtime }) });
  const key = propertiesOf(stack, 'Custom::MicrovmSandboxImage').SourceKey as string;
  const folder = join((stack.node.root as App).synth().directory, `asset.${key.replace('.zip', '')}`);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

test.each([false, true])('secrets, histories and what is built anew stay here, at any depth; runtime: %s', (runtime) => {
  const files = [...WANTED, ...SECRETS, ...SECRETS.map((file) => `deep/er/${file}`)];
  const ours = ['daemon.js', 'init.sh', 'set-up.sh'].map((file) => `.microvm-sandbox/${file}`);
  expect(published(files, [], runtime)).toEqual([...WANTED, ...(runtime ? ours : [])].sort());
});

test('each of them is taken back by its name, in both ways of packing', () => {
  for (const runtime of [false, true]) {
    const files = published(['Dockerfile', ...SECRETS], ['!*', '!.*', '!**/.*/**'], runtime).filter((file) => !file.startsWith('.microvm'));
    expect(files).toEqual(['Dockerfile', ...SECRETS].sort());
  }
});

test.each(['.env', 'a.pem', 'terraform.tfstate', 'node_modules', '.aws', 'service-account.json'])('takes back %s alone', (name) => {
  const files = published(['Dockerfile', '.env', 'a.pem', 'terraform.tfstate', 'node_modules/x', '.aws/config', 'service-account.json'], [`!${name}`]);
  expect(files).toHaveLength(2);
  expect(files.some((file) => file.startsWith(name))).toBe(true);
});

describe('a link that leads out of the directory', () => {
  const outside = directoryWith({ secret: 'secret' });
  const withLink = (target: string) => {
    const path = directoryWith({ 'Dockerfile': '', 'inside/file': '' });
    symlinkSync(target, join(path, 'inside', 'link'));
    return path;
  };
  const build = (source: ImageSource) => new SandboxImage(newStack(), 'Image', { source });
  const sources: [string, (path: string, exclude?: string[]) => ImageSource][] = [
    ['directory', (path, exclude) => ImageSource.directory(path, { exclude })],
    ['directory with the runtime', (path, exclude) => ImageSource.directory(path, { exclude, runtime: true })],
    ['files', (path) => ImageSource.sandbox({ files: { '/workspace/data': path } })],
  ];

  test.each(sources)('fails, because what it leads to would be uploaded: %s', (_, sourceOf) => {
    for (const target of [join(outside, 'secret'), outside, '../../elsewhere', '/not/there']) {
      expect(() => build(sourceOf(withLink(target)))).toThrow("the link 'inside/link' in ");
    }
  });

  test.each(sources)('is none where it stays inside: %s', (_, sourceOf) => {
    for (const target of ['file', '../Dockerfile', '..']) expect(() => build(sourceOf(withLink(target)))).not.toThrow();
  });

  test.each(sources.slice(0, 2))('may be left out: %s', (_, sourceOf) => {
    expect(() => build(sourceOf(withLink(outside), ['inside/link']))).not.toThrow();
  });
});
