import { awscdk, javascript, JsonPatch } from 'projen';
import { Bench } from './projenrc/bench';
import { Bundles } from './projenrc/bundles';
import { Demo } from './projenrc/demo';
import { Languages } from './projenrc/languages';
import { importDirection, lineWidth } from './projenrc/lint';
import { TestSuite } from './projenrc/test-suite';
import { baseTsconfig } from './projenrc/type-check';
import { Workspace } from './projenrc/workspace';

const AWS_SDK = '^3.1131.0';

const project = new awscdk.AwsCdkConstructLibrary({
  name: 'cdk-microvm-sandbox',
  description: 'Agent sandboxes on AWS Lambda MicroVMs, as CDK constructs',
  author: 'cdk-microvm-sandbox contributors',
  authorAddress: 'cdk-microvm-sandbox@users.noreply.github.com',
  authorOrganization: true,
  repositoryUrl: 'https://github.com/cdk-microvm-sandbox/cdk-microvm-sandbox.git',
  license: 'Apache-2.0',
  keywords: ['lambda', 'microvm', 'firecracker', 'sandbox', 'agent', 'code-execution'],
  defaultReleaseBranch: 'main',
  projenrcTs: true,
  packageManager: javascript.NodePackageManager.NPM,
  minNodeVersion: '20.0.0',
  cdkVersion: '2.276.0',
  constructsVersion: '10.5.0',
  jsiiVersion: '~6.0.0',
  typescriptVersion: '~6.0.0',
  // cdk 3 on the registry cannot read aws-cdk-lib 2.276's assemblies (schema 55).
  cdkCliVersion: '2.1148.1',
  lambdaAutoDiscover: false,
  integrationTestAutoDiscover: false,
  release: false,
  depsUpgrade: false,
  githubOptions: { mergify: false, pullRequestLint: false },
  pullRequestTemplate: false,
  sampleCode: false,
  docgen: true,
  jest: false,
  eslintOptions: {
    dirs: ['src', 'lambda', 'runtime-image', 'client', 'local', 'examples', 'benchmark', 'projenrc', '.projenrc.ts'],
    devdirs: ['test'],
    commandOptions: { fix: false },
  },
  devDeps: [
    // The workspaces: examples and tests import them by name.
    'microvm-sandbox@0.0.0',
    'microvm-sandbox-local@0.0.0',
    'aws-cdk@2.1148.1',
    'jest@~30.0',
    '@types/jest@~30.0',
    'esbuild@^0.28.0',
    'tsx@^4.23.0',
    '@swc/core@1.16.18',
    '@swc/jest@^0.2.39',
    `@aws-sdk/client-lambda-microvms@${AWS_SDK}`,
    `@aws-sdk/client-dynamodb@${AWS_SDK}`,
    `@aws-sdk/lib-dynamodb@${AWS_SDK}`,
    `@aws-sdk/client-lambda@${AWS_SDK}`,
    `@aws-sdk/client-s3@${AWS_SDK}`,
    `@aws-sdk/client-cloudwatch-logs@${AWS_SDK}`,
    `@aws-sdk/client-sfn@${AWS_SDK}`,
    `@aws-sdk/client-cloudformation@${AWS_SDK}`,
    `@aws-sdk/client-sts@${AWS_SDK}`,
    `@aws-sdk/client-ssm@${AWS_SDK}`,
    // AGPL: it judges the tests' requests and is never shipped.
    '@cloud-copilot/iam-simulate@^0.1.173',
    'cdk-nag@^3.0.2',
    '@smithy/signature-v4@^5.7.0',
    '@aws-crypto/sha256-js@^5.2.0',
    'ws@^8.18.0',
    '@types/ws',
    'dynalite@^4.0.0',
    'zod@^4.6.0',
    'tar-stream@^3.2.0',
    '@types/tar-stream',
    'yazl@^3.3.1',
    '@types/yazl',
    '@types/yauzl',
  ],
});

baseTsconfig(project);

new Workspace(project, {
  folder: 'client',
  name: 'microvm-sandbox',
  description: 'Client for sandboxes on AWS Lambda MicroVMs',
  exports: { '.': 'index', './protocol': 'protocol/index' },
  dependencies: { '@aws-sdk/client-lambda': AWS_SDK },
});

new Workspace(project, {
  folder: 'local',
  name: 'microvm-sandbox-local',
  description: 'A local cloud for sandboxes on AWS Lambda MicroVMs: no account, no Docker',
  exports: { '.': 'index' },
  bin: { 'microvm-sandbox-local': './bin/microvm-sandbox-local.js' },
  // client-lambda and client-sfn stand in for the SDK that the Lambda runtime carries: CDK's own handlers load them from there.
  dependencies: {
    'microvm-sandbox': '0.0.0',
    '@aws-sdk/client-lambda': AWS_SDK,
    '@aws-sdk/client-sfn': AWS_SDK,
    '@aws-sdk/client-s3': AWS_SDK,
    '@aws-crypto/sha256-js': '^5.2.0',
    '@smithy/signature-v4': '^5.7.0',
    'dynalite': '^4.0.0',
    'fast-xml-parser': '^5.0.0',
    'tar-stream': '^3.2.0',
    'yaml': '^2.9.0',
    'yauzl': '^3.4.0',
    'yazl': '^3.3.1',
  },
});

new Bundles(project, { handlers: ['image-builder', 'allocator', 'keeper'] });

// Node 20 is supported here for as long as Lambda users run it; the reminders of jsii and the SDK say nothing new in each run.
for (const [name, value] of [
  ['JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION', '20'],
  ['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true'],
]) project.tasks.addEnvironment(name, value);

// Of these versions every platform's package is published; `npm ci` refuses a lock file that lacks one.
project.package.addPackageResolutions('unrs-resolver@1.12.2');

new Demo(project);
new Languages(project);
new Bench(project);
importDirection(project);
lineWidth(project);
for (const bundled of ['lambda/**', 'runtime-image/**', 'examples/**', 'benchmark/**']) project.eslint?.allowDevDeps(bundled);
new TestSuite(project);

// The package is found by its own name from examples and tests, as a user would find it.
project.package.addField('exports', {
  '.': './lib/index.js',
  './package.json': './package.json',
  './.jsii': './.jsii',
  './.warnings.jsii.js': './.warnings.jsii.js',
});

for (const folder of ['lambda', 'runtime-image', 'client', 'local', 'examples', 'benchmark', 'docs', 'projenrc', '.ci', 'scripts']) {
  project.npmignore?.addPatterns(`/${folder}/`);
}
for (const file of ['CONTRIBUTING.md', 'jest.config.json', 'tsconfig.base.json', 'tsconfig.dev.json']) project.npmignore?.addPatterns(`/${file}`);
project.gitignore.exclude('cdk.out', '*.tsbuildinfo', '.local-cloud/', '.venv/', '__pycache__/');
project.tryFindObjectFile('package.json')?.patch(
  JsonPatch.add('/workspaces', ['client', 'local']),
  // cdk-nag asks for a newer patch than the oldest one that this library works with, which its tests run against.
  JsonPatch.add('/overrides/cdk-nag', { constructs: '10.5.0' }),
);

project.synth();
