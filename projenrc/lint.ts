import type { awscdk } from 'projen';

/** Each room of the repository and what it may import of ours. */
const MAY_IMPORT: Record<string, string[]> = {
  'src': ['src'],
  'src/contract': ['src/contract'],
  'client/src': ['client/src'],
  'client/src/protocol': ['client/src/protocol'],
  'lambda': ['lambda', 'src/contract', 'client/src/protocol'],
  'runtime-image': ['runtime-image', 'src/contract', 'client/src/protocol'],
  'local': ['local', 'client'],
};

/** Packages that belong to synth: nothing that runs outside of it may load them. */
const SYNTH_ONLY = ['aws-cdk-lib', 'aws-cdk-lib/*', 'constructs', 'cdk-microvm-sandbox', 'cdk-microvm-sandbox/*'];

/** Keeps the direction of imports: nothing but tests, examples and benchmarks imports `local`, and so on down. */
export function importDirection(project: awscdk.AwsCdkConstructLibrary): void {
  project.eslint?.addRules({
    'import/no-restricted-paths': ['error', {
      zones: Object.entries(MAY_IMPORT).map(([room, allowed]) => ({
        target: `./${room}`,
        from: '.',
        except: [...allowed.map((folder) => `./${folder}`), './node_modules'],
        message: `${room} may import only ${allowed.join(', ')} of ours.`,
      })),
    }],
  });
  project.eslint?.addOverride({
    files: ['client/**/*.ts', 'lambda/**/*.ts', 'runtime-image/**/*.ts', 'local/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: SYNTH_ONLY }] },
  });
}

/** 120 columns for code; what cannot be broken (text, templates, patterns) may be longer. */
export function lineWidth(project: awscdk.AwsCdkConstructLibrary): void {
  project.eslint?.addRules({
    '@stylistic/max-len': ['error', {
      code: 120,
      ignoreUrls: true,
      ignoreComments: true,
      ignoreTemplateLiterals: true,
      ignoreStrings: true,
      ignoreRegExpLiterals: true,
    }],
  });
}
