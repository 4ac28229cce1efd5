/** What the operating system lets code in a sandbox do beyond an ordinary container. */
export enum OsCapabilities {
  /** Nothing more: no mounts, no containers inside. */
  NONE = 'NONE',

  /**
   * All Linux capabilities: mounts (EFS, FUSE, bind mounts), containers inside of the sandbox, changes of its network.
   *
   * The microVM stays the boundary. Inside of it root can do anything, with the platform's own agent and its metadata service too.
   */
  ALL = 'ALL',
}
