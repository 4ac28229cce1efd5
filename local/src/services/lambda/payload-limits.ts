/** Of what a function is called with, and of what it answers. */
export const MAX_PAYLOAD_BYTES = 6_291_556;
export const MAX_ASYNC_PAYLOAD_BYTES = 1024 * 1024;
