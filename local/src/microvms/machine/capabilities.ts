/** What a container of the platform may do: no mounts, no tracing, no network set-up. */
export const CAPABILITIES = [
  'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'NET_BIND_SERVICE', 'NET_RAW', 'SYS_CHROOT', 'MKNOD',
  'AUDIT_WRITE', 'SETFCAP',
];

/** These and no others, as `setpriv` takes them. */
export const CAPABILITY_BOUNDS = ['-all', ...CAPABILITIES.map((name) => `+${name.toLowerCase()}`)].join(',');
