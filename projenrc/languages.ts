import type { awscdk } from 'projen';
import { Component } from 'projen';

/** Names of the package in the other languages of jsii, in the manner of each. */
const TARGETS = {
  python: { distName: 'cdk-microvm-sandbox', module: 'cdk_microvm_sandbox' },
  java: {
    package: 'io.github.cdkmicrovmsandbox',
    maven: { groupId: 'io.github.cdk-microvm-sandbox', artifactId: 'cdk-microvm-sandbox' },
  },
  dotnet: { namespace: 'CdkMicrovmSandbox', packageId: 'CdkMicrovmSandbox' },
  go: { moduleName: 'github.com/cdk-microvm-sandbox/cdk-microvm-sandbox-go', packageName: 'cdkmicrovmsandbox' },
};

/**
 * The sources for Python, Java, .NET and Go: a test generates them.
 *
 * Not projen's own `publishToPypi` and the like: with those `npm run build` needs the tools of all four languages.
 */
export class Languages extends Component {
  constructor(project: awscdk.AwsCdkConstructLibrary) {
    super(project);
    project.tryFindObjectFile('package.json')?.addOverride('jsii.targets', TARGETS);
    const sources = project.addTask('sources', { description: 'Generates the Python, Java, .NET and Go sources into dist/, from a compiled tree' });
    sources.exec('jsii-pacmak --code-only --no-npmignore --targets python java dotnet go --outdir dist');
  }
}
