/** Who signs checkpoints, and how often. */
import type { Identity } from '../../identity/identity-key.ts'

export type CheckpointPolicy = Readonly<{
  /** The coordinators' common identity. */
  identity: Identity
  /** Public keys that earlier checkpoints may be signed with. */
  formerKeys: readonly Uint8Array[]
  /** Longest time that an event waits for its checkpoint. */
  intervalMs: number
  /** Events that one checkpoint adds, at most. */
  maxEvents: number
}>
