import type { awscdk } from 'projen';
import { Component } from 'projen';

/** `npm run demo`: the quickstart's story on the local cloud. */
export class Demo extends Component {
  constructor(project: awscdk.AwsCdkConstructLibrary) {
    super(project);
    const demo = project.addTask('demo', { description: 'Deploys examples/quickstart to the local cloud and uses it' });
    demo.say('Compiling');
    demo.spawn(project.preCompileTask);
    demo.spawn(project.compileTask);
    demo.exec('tsx examples/quickstart/demo/demo.ts');
  }
}
