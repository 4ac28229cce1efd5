import { IAM_PATIENCE_MS } from './deadline';
import type { Wait } from './step';
import { ServiceError } from '../pool/service-error';

/** The service's own words, without the operation: `CreateMicrovmImage` holds the word image whatever the quota is about. */
export function wordsOf({ message, operation }: ServiceError): string {
  return message.replace(`${operation}: `, '').replace(/\.$/, '');
}

/** What is to be waited for after a refusal of the service, or undefined if it is final. */
export function waitAfter(error: unknown): Wait | undefined {
  if (!(error instanceof ServiceError)) return undefined;
  const words = `the service answers ${error.operation} with "${wordsOf(error)}"`;
  switch (error.kind) {
    case 'quota': return quotaWait(error, words);
    case 'throttled': case 'busy': return { waitsFor: words, advice: 'The service is overloaded or failing; deploy again later.' };
    case 'conflict': return {
      waitsFor: words,
      advice: 'Something else changes this image, or a deletion of one of its versions does not end. Look at the image\'s versions, and deploy again.',
    };
    case 'not_found': return { waitsFor: words, advice: 'Somebody deleted what the deployment works with; deploy again.' };
    default: return isIamDelay(error) ? iamWait(words, error) : undefined;
  }
}

/** A quota that frees itself when other builds end; the one on images or on versions of an image does not. */
function quotaWait(error: ServiceError, words: string): Wait | undefined {
  if (/concurrent/i.test(error.message)) {
    return { waitsFor: words, advice: 'Other builds of the account take all places; raise the quota L-72E0D058 (concurrent image builds), or deploy again.' };
  }
  if (/memory/i.test(error.message)) {
    return { waitsFor: words, advice: 'A build runs in a microVM; end some, or raise the quota L-CD1C0CC4 (microVM memory).' };
  }
  return undefined;
}

/** The service names the action in a 403, `iam:PassRole` also for a trust it cannot use, or says in a 400 that it cannot assume the role. */
function isIamDelay({ kind, message }: ServiceError): boolean {
  return kind === 'refused' && /PassRole|assume|not authorized|AccessDenied/i.test(message);
}

function iamWait(waitsFor: string, { message }: ServiceError): Wait {
  const advice = /AccessDenied\w*: (null|no message)$/.test(message)
    // A real denial names who may not do what.
    ? 'A denial without a reason is how a Region without MicroVMs answers; deploy to one that has them.'
    : 'If the action is granted, look at the build role: the service reports a trust policy that it cannot use '
      + '(lambda.amazonaws.com with sts:AssumeRole and sts:TagSession) as a missing iam:PassRole of the caller.';
  return { waitsFor, advice, atMostMs: IAM_PATIENCE_MS };
}
