import type { LogExcerpt } from './build-log';
import { cut, jsonBytes } from './cloudformation-error';
import { meaningOf, meaningOfProgress } from './failure-meanings';
import type { BuildProgress } from './images';
import { mask, withoutControls } from './mask';

export interface FailedBuild {
  /** As in `GRAVITON 4`. */
  readonly processor: string;
  readonly reason?: string;
  readonly progress?: BuildProgress;
}

export interface Failure {
  readonly imageName: string;
  readonly imageVersion: string;
  /** The builds that failed. A version has one for each processor generation. */
  readonly builds: readonly FailedBuild[];
  /** What the service says of the version, for builds of which it says nothing. */
  readonly versionReason?: string;
  readonly logGroupName: string;
  readonly excerpt?: LogExcerpt;
  readonly environment: Readonly<Record<string, string>>;
}

/** Says which build of a version failed, why, what that usually means, where to read on, and shows the end of the log. */
export function failureMessage(failure: Failure, bytes: number): string {
  const { imageName, imageVersion, logGroupName, excerpt } = failure;
  const head = `Image ${imageName}, version ${imageVersion}, failed to build. `;
  const place = excerpt ? `log group ${logGroupName}, stream ${excerpt.stream}` : `log group ${logGroupName} (no lines of this build arrived there)`;
  const tail = ` Build log: ${cut(place, 800)}.`;
  // The reason is never cut for anything else; only one that is longer than an answer is.
  const text = head + cut(reasons(failure), bytes - jsonBytes(head) - jsonBytes(tail)) + tail;
  return text + lastLines(excerpt?.lines ?? [], bytes - jsonBytes(text));
}

function reasons({ builds, versionReason, environment }: Failure): string {
  const clean = (reason = '') => mask(withoutControls(reason), environment).trim();
  const byReason = new Map<string, string[]>();
  for (const { processor, reason, progress } of builds) {
    // Sometimes only the version has one, and either may be empty.
    const text = explained([reason, versionReason].map(clean).find((words) => words !== '') ?? '', progress);
    byReason.set(text, [...byReason.get(text) ?? [], processor]);
  }
  if (byReason.size === 0) return explained(clean(versionReason), undefined);
  return [...byReason].map(([text, processors]) => `Build for ${processors.join(' and ')}: ${text}`).join(' ');
}

function explained(reason: string, progress: BuildProgress | undefined): string {
  const diagnosis = progress && meaningOfProgress(progress);
  if (reason === '') {
    return `the service gave no reason; ${diagnosis ?? 'usual are a hook port that nothing listens on and a build role that cannot write its log'}.`;
  }
  const meaning = meaningOf(reason) ?? diagnosis;
  const sentence = reason.replace(/\.$/, '');
  return meaning ? `${sentence} (${meaning}).` : `${sentence}.`;
}

/** As many of the last lines as fit, oldest left out first. */
function lastLines(lines: readonly string[], bytes: number): string {
  const title = '\nLast lines of the log:';
  let left = bytes - jsonBytes(title);
  const fitting: string[] = [];
  for (const line of [...lines].reverse()) {
    const shown = `\n| ${line}`;
    left -= jsonBytes(shown);
    if (left < 0) break;
    fitting.unshift(shown);
  }
  return fitting.length > 0 ? title + fitting.join('') : '';
}
