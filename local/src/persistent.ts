/** A part of the cloud whose state can be kept in a folder across restarts. */
export interface Persistent {
  /** Everything that `restore` needs and that is not in files of the part's own already. JSON, or a promise of it; called often. */
  save(): unknown;
  /** Takes the part, fresh and empty, to what `save` answered. What a dead process took with it is told as the service would. */
  restore(state: unknown): Promise<void> | void;
}
