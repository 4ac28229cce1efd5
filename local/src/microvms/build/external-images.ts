import { type Dockerfile, parseDockerfile } from './dockerfile';
import { setArgs } from './stage-settings';
import { platformArgs } from './stage-state';
import { expand } from './variables';

/** The images that a Dockerfile takes from elsewhere. None for one that cannot be read, which the build itself fails for. */
export function externalImages(content: string): string[] {
  try {
    return namesOf(parseDockerfile(content));
  } catch {
    return [];
  }
}

function namesOf({ escape, globals, stages }: Dockerfile): string[] {
  const known: Record<string, string> = platformArgs();
  for (const step of globals) setArgs(step, known, { known, globals: {}, escape });
  const earlier = new Set(['scratch', '']);
  const images = stages.flatMap(({ base, name, steps }, index) => {
    const from = expand(base, known, { escape });
    const copied = steps.flatMap(({ keyword, flags }) => (keyword === 'COPY' ? flags.get('from') ?? [] : []));
    const named = [from, ...copied.filter((other) => !isStage(other, stages))];
    const found = named.filter((image) => !earlier.has(image.toLowerCase()));
    earlier.add(name ?? String(index));
    return found;
  });
  return [...new Set(images)];
}

/** COPY takes a stage by number, too, and one that stands below. */
function isStage(name: string, stages: Dockerfile['stages']): boolean {
  return /^\d+$/.test(name) || name.includes('$') || stages.some((stage) => stage.name === name.toLowerCase());
}
