import type { Builder } from './builder';
import type { Target, View } from './target';

/** Gives the image the target's tags. True if that changed anything. */
export async function tagImage(
  { images }: Builder, { imageArn, tags, staleTags }: Target, { image }: View,
): Promise<boolean> {
  const missing = Object.entries(tags).filter(([key, value]) => image.tags[key] !== value);
  const stale = staleTags.filter((key) => key in image.tags);
  if (missing.length > 0) await images.tag(imageArn, Object.fromEntries(missing));
  if (stale.length > 0) await images.untag(imageArn, stale);
  return missing.length + stale.length > 0;
}
