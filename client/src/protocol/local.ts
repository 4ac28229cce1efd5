/**
 * Names that the local cloud hands to the processes it starts.
 */

/** Client side: base URL on loopback where microVM endpoints are served by their `Host` header. Unset: the platform, over https. */
export const LOCAL_ENDPOINT_VARIABLE = 'MICROVM_SANDBOX_LOCAL_ENDPOINT';

/**
 * Guest side: `MICROVM_LOCAL_PORT_8080=41234` asks a guest to listen on 127.0.0.1:41234 for its port 8080, where microVMs share the
 * machine's network. Unset: listen on the port itself.
 */
export const LOCAL_PORT_PREFIX = 'MICROVM_LOCAL_PORT_';

/** Guest side: the folder that stands for the root of the image, where microVMs share the machine's file system. Unset: `/`. */
export const LOCAL_ROOT_VARIABLE = 'MICROVM_LOCAL_ROOT';
