import type { awscdk } from 'projen';
import { Component } from 'projen';
import { checkedFolder } from './type-check';

/** `npm run bench`: what the local cloud costs, each figure beside its target. Arguments name single benchmarks. */
export class Bench extends Component {
  constructor(project: awscdk.AwsCdkConstructLibrary) {
    super(project);
    checkedFolder(project, 'benchmark');
    const bench = project.addTask('bench', { description: 'Measures the local cloud; exit status 1 if a figure misses its target' });
    bench.spawn(project.preCompileTask);
    bench.spawn(project.compileTask);
    bench.exec('tsx --expose-gc benchmark/run.ts', { receiveArgs: true });
  }
}
