import type { RunSimulationResults, Simulation } from '@cloud-copilot/iam-simulate';
import { runSimulation, runUnsafeSimulation } from '@cloud-copilot/iam-simulate';
import type { AuthorizationDecision, AuthorizationRequest } from 'microvm-sandbox-local';

/** Pairs of action and resource that AWS evaluates and its list of actions does not know, so that the simulator refuses to judge them. */
const NOT_IN_THE_LIST: readonly (readonly [action: RegExp, resource: RegExp])[] = [
  // Listed with the resource `*`, evaluated on each connector.
  [/^lambda:PassNetworkConnector$/, /:network-connector:/],
  // Seen in the field: evaluated on the microVM, which the list has no type for.
  [/^lambda:(?:Get|Suspend|Resume|Terminate)Microvm$/, /:microvm:/],
  // Evaluated on a stream of the group, also where the list has only groups.
  [/^logs:/, /:log-stream:/],
];

/** The decision of IAM, by `@cloud-copilot/iam-simulate`: for the option `authorize` of the local cloud. */
export async function authorize(request: AuthorizationRequest): Promise<AuthorizationDecision> {
  const simulation = simulationOf(request);
  const { action, resource } = request;
  if (NOT_IN_THE_LIST.some(([actions, resources]) => actions.test(action) && resources.test(resource))) {
    const result = runUnsafeSimulation(simulation, {});
    // None of these resources has a policy of its own.
    return { allowed: result === 'Allowed', ...(result === 'ExplicitlyDenied' && { explicitDenyIn: 'identity-based policy' }) };
  }
  return decisionOf(request, await runSimulation(simulation, {}));
}

function simulationOf(request: AuthorizationRequest): Simulation {
  const { principal, action, resource, resourceAccount: accountId, permissionsBoundary } = request;
  const context = Object.entries(request.context).map(([key, value]) => [key, typeof value === 'string' ? value : [...value]]);
  return {
    request: { principal, action, resource: { resource, accountId }, contextVariables: Object.fromEntries(context) },
    identityPolicies: request.identityPolicies.map(({ name, document: policy }) => ({ name, policy })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    resourcePolicy: request.resourcePolicy,
    ...(permissionsBoundary && {
      permissionBoundaryPolicies: [{ name: permissionsBoundary.name, policy: permissionsBoundary.document }],
    }),
  };
}

function decisionOf({ action, resource }: AuthorizationRequest, results: RunSimulationResults): AuthorizationDecision {
  if (results.resultType === 'error') throw new Error(`cannot judge ${action} on ${resource}: ${JSON.stringify(results.errors)}`);
  if (results.overallResult === 'Allowed') return { allowed: true };
  const analyses = results.resultType === 'single' ? [results.result.analysis] : results.results.map(({ analysis }) => analysis);
  const denies = (part: 'identityAnalysis' | 'resourceAnalysis' | 'permissionBoundaryAnalysis') => (
    analyses.some((analysis) => analysis[part]?.result === 'ExplicitlyDenied')
  );
  if (denies('identityAnalysis')) return { allowed: false, explicitDenyIn: 'identity-based policy' };
  if (denies('resourceAnalysis')) return { allowed: false, explicitDenyIn: 'resource-based policy' };
  if (denies('permissionBoundaryAnalysis')) return { allowed: false, explicitDenyIn: 'permissions boundary' };
  const outsideBoundary = analyses.some(({ blockedBy, identityAnalysis, permissionBoundaryAnalysis: boundary }) => (
    blockedBy?.includes('pb') || (identityAnalysis?.result === 'Allowed' && boundary !== undefined && boundary.result !== 'Allowed')
  ));
  return { allowed: false, outsideBoundary };
}
