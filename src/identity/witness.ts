/**
 * What a party says of a session when it reports: which history the coordinator showed it, and which messages of the
 * other parties its computation took in. With this in the log, a log that is changed later contradicts what was signed.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { statement } from './statement.ts'

/** One message that a party computed with. */
export type WitnessedMessage = Readonly<{
  round: number
  from: string
  channel: 'broadcast' | 'direct'
  /** SHA-256 of the payload as routed. */
  payloadHash: Uint8Array
}>

/** SHA-256 over the messages in order of round, sender and channel, in whatever order they are given; 32 bytes. */
export function hashWitnessed(messages: readonly WitnessedMessage[]): Uint8Array {
  const ordered = [...messages].sort(
    (a, b) => a.round - b.round || compare(a.from, b.from) || compare(a.channel, b.channel),
  )
  const parts = ordered.flatMap(({ round, from, channel, payloadHash }) => [round, from, channel, payloadHash])
  return sha256(statement('witnessedMessages', parts))
}

export type WitnessClaim = Readonly<{
  /** Events of the session that the party has heard of. */
  version: number
  /** SHA-256 of the newest of them. */
  chainHead: Uint8Array
  messageCount: number
  /** From `hashWitnessed`. */
  messagesHash: Uint8Array
}>

export function witnessStatement(
  sessionId: string,
  partyId: string,
  { version, chainHead, messageCount, messagesHash }: WitnessClaim,
): Uint8Array<ArrayBuffer> {
  return statement('witness', [sessionId, partyId, version, chainHead, messageCount, messagesHash])
}

/** Of ids, which are ASCII: the order of their bytes. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
