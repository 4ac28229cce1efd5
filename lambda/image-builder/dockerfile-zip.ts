import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';

/** A build context that is nothing but a Dockerfile. The same text makes the same bytes. */
export async function zipDockerfile(text: string): Promise<Uint8Array> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from(text), 'Dockerfile', { mtime: new Date(1980, 0, 1), forceDosTimestamp: true });
  zip.end();
  return buffer(zip.outputStream);
}
