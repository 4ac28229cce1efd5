import type { Gateway } from './gateway';

/** Answers the port that it listens on. One that was asked for must be free; the one of an earlier run is only preferred. */
export async function listenOn(gateway: Gateway, wanted?: number, earlier?: number): Promise<number> {
  try {
    return await gateway.listen(wanted ?? earlier ?? 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (wanted === undefined) return gateway.listen(0);
    throw new Error(`startLocalCloud: port ${wanted} is in use (EADDRINUSE); give another, or none for a free one`, { cause: error });
  }
}
