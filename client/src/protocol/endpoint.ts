/** What the platform's proxy in front of a microVM reads; the proxy strips them before the guest sees the request. */
export const PROXY_AUTH_HEADER = 'x-aws-proxy-auth';
export const PROXY_PORT_HEADER = 'x-aws-proxy-port';

/** A microVM's host name: `<uuid>.lambda-microvm.<region>.on.aws`. */
export const ENDPOINT_HOST = /^[0-9a-f-]{36}\.lambda-microvm\.([a-z]{2}(?:-[a-z]+)+-\d)\.on\.aws$/;
