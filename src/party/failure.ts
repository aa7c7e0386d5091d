/**
 * Why a party gave up a session. The reasons are a closed set: they are reported to the coordinator, stored in its log
 * and counted, so nothing secret and nothing from a peer's message can be in them.
 */
import type { Abort, AbortReason } from '../crypto/protocol.ts'
import type { ProtocolName } from '../crypto/protocol-name.ts'

/** An abort of the cryptography, in the spelling of the other reasons. */
type Snake<Text extends string> = Text extends `${infer Head}-${infer Tail}` ? `${Head}_${Snake<Tail>}` : Text

export type FailureReason =
  | Snake<AbortReason>
  // before anything was computed
  | 'join_refused'
  | 'already_running'
  | 'terms_unexpected'
  | 'terms_changed'
  | 'declined'
  | 'key_unknown'
  | 'key_exists'
  | 'key_frozen'
  | 'key_mismatch'
  | 'not_a_member'
  | 'threshold_not_met'
  | 'message_hash_mismatch'
  | 'message_mismatch'
  | 'peer_banned'
  // the key's policy
  | 'policy_forbids'
  | 'policy_limit_reached'
  | 'approvals_missing'
  | 'approval_invalid'
  | 'approval_expired'
  | 'approval_replayed'
  // the roster
  | 'roster_incomplete'
  | 'roster_own_entry_changed'
  | 'roster_key_repeated'
  | 'roster_signature_invalid'
  | 'roster_identity_unexpected'
  | 'identity_pins_contradict'
  | 'server_party_unknown'
  | 'roster_hash_mismatch'
  | 'ephemeral_key_invalid'
  // on the way
  | 'round_timed_out'
  | 'session_timed_out'
  | 'session_over'
  | 'history_lost'
  | 'unreachable'
  | 'refused'
  | 'result_disagrees'
  | 'storage_failed'
  | 'execution_failed'
  | 'party_restarted'
  | 'party_stopped'

/**
 * What follows for the key besides the end of the session. `ban`: the culprits are banned for it. `count`: a failure
 * that only a cheater can cause, but nobody can tell which party; too many of those freeze the key.
 */
export type Consequence = 'none' | 'ban' | 'count'

/** Ends a run from wherever it is; never leaves this folder. */
export class SessionFailure extends Error {
  override readonly name = 'SessionFailure'
  readonly reason: FailureReason
  /** Party ids. */
  readonly culprits: readonly string[]
  readonly consequence: Consequence

  /** `detail` is for people and stays with this party. */
  constructor(
    reason: FailureReason,
    detail: string,
    culprits: readonly string[] = [],
    consequence: Consequence = 'none',
    cause?: unknown,
  ) {
    super(detail, cause === undefined ? undefined : { cause })
    this.reason = reason
    this.culprits = culprits
    this.consequence = consequence
  }
}

/** The failure that an abort of the cryptography amounts to; `partyIds` in the order of the roster. */
export function abortFailure(abort: Abort, protocol: ProtocolName, partyIds: readonly string[]): SessionFailure {
  const culprits = abort.culprits.flatMap((position) => partyIds[position] ?? [])
  const blamed = culprits.length === 0 ? 'nobody can be named' : `caused by ${culprits.join(', ')}`
  // The type `Snake` does in types what this does in text.
  const reason = abort.reason.replaceAll('-', '_') as Snake<AbortReason>
  return new SessionFailure(reason, `${abort.reason}; ${blamed}`, culprits, consequenceOf(abort, protocol))
}

/** Key generation has no key yet that anything could follow for, and FROST keeps no state between pairs. */
function consequenceOf({ severity, reason }: Abort, protocol: ProtocolName): Consequence {
  if (protocol !== 'dkls23-sign') return 'none'
  if (severity === 'ban') return 'ban'
  return reason === 'public-key-mismatch' || reason === 'signature-invalid' ? 'count' : 'none'
}
