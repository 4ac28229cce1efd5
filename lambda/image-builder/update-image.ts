import type { Builder } from './builder';
import type { ProviderEvent } from './events';
import { buildRequest, clientToken } from './image-request';
import { isQuotaThatFrees } from './patience';
import type { ImageProperties } from './properties';
import { ServiceError } from '../pool/service-error';

/**
 * Asks for a new version and answers its number, or undefined while the service cannot take it: a rollback comes while the version
 * that it undoes is still being built. Asked again with the same token, the service answers the version it took the first time.
 */
export async function submitUpdate(
  builder: Builder,
  event: ProviderEvent,
  { imageArn, properties }: { readonly imageArn: string; readonly properties: ImageProperties },
): Promise<string | undefined> {
  try {
    const build = buildRequest(properties);
    const { imageVersion } = await builder.images.update(imageArn, build, clientToken(event, 'update'));
    return imageVersion;
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    if (isQuotaThatFrees(error) || ['conflict', 'throttled', 'busy'].includes(error.kind)) return undefined;
    throw error;
  }
}
