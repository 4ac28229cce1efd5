/** What `health` reports. Raised with every change that a client could notice. */
export const DAEMON_VERSION = '1.0.0';
