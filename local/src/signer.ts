/** Who signed a request, and for which service: the credential scope of Signature Version 4. */
export interface Signer {
  readonly accessKeyId: string;
  readonly region: string;
  readonly service: string;
}

const CREDENTIAL = /^([A-Za-z0-9]{1,128})\/\d{8}\/([a-z0-9-]{1,64})\/([a-z0-9-]{1,64})\/aws4_request$/;

/** Reads the scope from the `Authorization` header or from a presigned query. Undefined: not signed. */
export function signerOf(authorization: string | undefined, query: URLSearchParams): Signer | undefined {
  const inHeader = /^AWS4-[A-Z0-9-]+ (?:.*[ ,])?Credential=([^, ]+)/.exec(authorization ?? '')?.[1];
  const match = CREDENTIAL.exec(inHeader ?? query.get('X-Amz-Credential') ?? '');
  return match ? { accessKeyId: match[1], region: match[2], service: match[3] } : undefined;
}
