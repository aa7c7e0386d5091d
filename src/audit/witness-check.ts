/**
 * What parties have said of a session when they reported, against what the log says of it now. The coordinator lets no
 * witness of another history in, so one that does not fit shows that the history was changed since. Which messages a
 * party computed with only the party knows: where all are signed and in place, one who names others accuses itself or
 * a sender.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { equalBytes } from '../crypto/bytes.ts'
import { roundsOf } from '../crypto/protocol-rounds.ts'
import { decodeMessageEvent } from '../events/message-event.ts'
import { decodeStored } from '../events/session-event.ts'
import type { Witness } from '../gen/mpc/events/v1/session_events_pb.ts'
import { verifyIdentity } from '../identity/identity-key.ts'
import { hashWitnessed, witnessStatement, type WitnessedMessage } from '../identity/witness.ts'
import type { Entry } from './entry.ts'
import type { SessionRecords } from './records.ts'
import type { SessionFacts } from './session-facts.ts'
import type { Binding, SignedMessage } from './session-messages.ts'

/** `lifecycle`: the entries of the records' lifecycle events, all of which could be decoded. */
export async function checkWitnesses(
  facts: SessionFacts,
  { lifecycle: records }: SessionRecords,
  lifecycle: readonly Entry[],
  binding: Binding | null,
  signed: readonly SignedMessage[],
): Promise<void> {
  for (const [index, record] of records.entries()) {
    const entry = lifecycle[index]
    if (entry === undefined || entry.kind !== 'PartyCompleted' || entry.isTampered) continue
    const { payload } = decodeStored(record.data)
    if (payload.case !== 'partyCompleted' || payload.value.witness === undefined) continue
    const { partyId, witness } = payload.value
    const hashBefore = (version: number) => {
      const event = version <= index ? records[version - 1] : undefined
      return event === undefined ? null : sha256(event.data)
    }
    const problem = await historyProblem(facts, partyId, witness, hashBefore)
    if (problem !== null) entry.blame('tampered', problem)
    else if (binding !== null && !hasSeen(binding, partyId, signed, witness)) {
      entry.blame('misconduct', `${partyId} says that it computed with other messages than the log has`)
    }
  }
}

async function historyProblem(
  { sessionId, parties }: SessionFacts,
  partyId: string,
  witness: Witness,
  hashBefore: (version: number) => Uint8Array | null,
): Promise<string | null> {
  const identityKey = parties.find((party) => party.partyId === partyId)?.keys?.identityKey
  const version = Number(witness.version)
  const isSafe = Number.isSafeInteger(version) && version > 0
  const unsigned = `${partyId} has not signed what it is said to have seen`
  if (identityKey === undefined || !isSafe) return unsigned
  const stated = witnessStatement(sessionId, partyId, { ...witness, version })
  if (!(await verifyIdentity(identityKey, stated, witness.signature))) return unsigned
  const hash = hashBefore(version)
  return hash !== null && equalBytes(hash, witness.chainHead)
    ? null
    : `${partyId} was shown another event ${version} of the session`
}

function hasSeen(
  { protocol, roster }: Binding,
  partyId: string,
  signed: readonly SignedMessage[],
  { messageCount, messagesHash }: Witness,
): boolean {
  const shapes = roundsOf(protocol)
  const self = roster.findIndex((entry) => entry.partyId === partyId)
  const messages = signed.flatMap((message): WitnessedMessage[] => {
    const { round, from, to, record } = message
    const channel = to === null ? 'broadcast' : 'direct'
    if (from === self || (to !== null && to !== self) || shapes[round - 1]?.[channel] !== true) return []
    const routed = decodeMessageEvent(record.data)?.payload
    if (routed?.case !== 'messageRouted') return []
    return [{ round, from: roster[from]?.partyId ?? '', channel, payloadHash: sha256(routed.value.payload) }]
  })
  return messages.length === messageCount && equalBytes(hashWitnessed(messages), messagesHash)
}
