/** What the constructs and the daemon in `runtime-image/` agree on. */

export const DAEMON_PORT = 8080;

/** Peers saw hooks arrive on 9000 whatever port an image named, so 9000 is the one we name. */
export const HOOK_PORT = 9000;

/** The platform's own agent listens here in every microVM, and hands the hooks on. */
export const PLATFORM_PORT = 8443;

/** The bundled daemon's name in the build context. */
export const DAEMON_FILE = 'daemon.js';

/** PID 1 of the image, in the build context. */
export const INIT_FILE = 'init.sh';

export const DOCKERFILE = 'Dockerfile';
