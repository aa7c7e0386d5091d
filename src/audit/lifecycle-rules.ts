/**
 * The rules of a session's life (docs/architecture.md), as an auditor knows them: written apart from the coordinator's,
 * so that what both let pass is right twice. Signatures are checked in lifecycle-signatures.ts.
 */
import { equalBytes } from '../crypto/bytes.ts'
import { canSign, defaultKeyType, isKeyType } from '../crypto/key-type.ts'
import { maxParties } from '../crypto/session-id.ts'
import { isToken } from '../events/subjects.ts'
import type {
  PartyCompleted,
  PartyJoined,
  SessionCompleted,
  SessionCreated,
  SessionEvent,
  SessionFailed,
} from '../gen/mpc/events/v1/session_events_pb.ts'
import { canonicalPolicy, policyFaults, standaloneFaults } from '../policy/key-policy.ts'
import { readApproval, readPolicy } from '../policy/wire.ts'
import {
  expectedRosterHash,
  isOver,
  sameResult,
  type PartyFacts,
  type Result,
  type SessionFacts,
} from './session-facts.ts'

/** Takes the next event into `facts`. What is wrong with it, or null. An event that is wrong may still be taken in. */
export function takeEvent(facts: SessionFacts, event: SessionEvent): string | null {
  const { payload } = event
  if (payload.case === 'sessionCreated') {
    return facts.status === 'none' ? created(facts, payload.value, Number(event.timeMs)) : 'the session exists already'
  }
  if (facts.status === 'none') return 'the session was not created yet'
  if (isOver(facts)) return `the session was over: ${facts.status}`
  switch (payload.case) {
    case 'partyJoined':
      return joined(facts, payload.value, event.actor)
    case 'partyReady':
      return ready(facts, payload.value.partyId)
    case 'sessionStarted':
      return started(facts, payload.value.rosterHash)
    case 'partyCompleted':
      return reported(facts, payload.value)
    case 'sessionCompleted':
      return completed(facts, payload.value)
    case 'sessionFailed':
      return failed(facts, payload.value)
    case 'sessionExpired':
      facts.status = 'expired'
      return Number(event.timeMs) < facts.expiresAtMs ? 'the session had time left' : null
    case 'sessionClosed':
      facts.status = 'failed'
      return null
    case undefined:
      return null
    default:
      return payload satisfies never
  }
}

function created(facts: SessionFacts, event: SessionCreated, timeMs: number): string | null {
  const { sessionType, thresholdT, thresholdN, messageHash, message, keyId, publicKey } = event
  const keyType = event.keyType === '' ? defaultKeyType : event.keyType
  const policy = event.policy === undefined ? null : canonicalPolicy(readPolicy(event.policy))
  const isSound = policy === null || standaloneFaults(policy).length === 0
  Object.assign(facts, {
    status: 'created',
    type: sessionType === 'sign' ? 'sign' : 'keygen',
    keyType: isKeyType(keyType) ? keyType : defaultKeyType,
    thresholdT,
    thresholdN,
    createdMs: timeMs,
    expiresAtMs: Number(event.expiresAtMs),
    keyId,
    publicKey,
    message: keyType === 'eddsa-ed25519' ? message : messageHash,
    policy: isSound ? policy : null,
    approvals: event.approvals.map(readApproval),
    parties: event.participants.map(({ partyId, expectedIdentityKey }): PartyFacts => {
      return { partyId, expectedIdentityKey, joined: false, ready: false, keys: null, result: null }
    }),
  } satisfies Partial<SessionFacts>)
  const ids = facts.parties.map(({ partyId }) => partyId)
  if (sessionType !== 'keygen' && sessionType !== 'sign') return 'there is no such type of session'
  if (!isKeyType(keyType)) return 'there is no such type of key'
  if (thresholdN < 2 || thresholdN > maxParties || thresholdT < 2 || thresholdT > thresholdN) {
    return 'the thresholds are out of bounds'
  }
  if (!ids.every(isToken)) return 'a participant has no party id'
  if (new Set(ids).size !== ids.length) return 'a participant is named twice'
  if (!isSound) return 'the policy is not sound'
  if (sessionType === 'keygen') {
    const faults = policy === null ? [] : policyFaults(policy, { partyIds: ids, thresholdT })
    if (faults.length > 0) return 'the policy is not sound'
    return ids.length === thresholdN ? null : 'the participants are not threshold_n'
  }
  if (ids.length < thresholdT || ids.length > thresholdN) return 'too few or too many signers'
  return canSign(keyType, facts.message) ? null : 'what is to be signed has the wrong length'
}

function joined(facts: SessionFacts, event: PartyJoined, actor: string): string | null {
  const party = partyOf(facts, event.partyId)
  if (party === undefined) return `${event.partyId} is not a participant`
  if (party.joined) return `${event.partyId} had joined already`
  if (facts.started) return 'the session had started already'
  party.joined = true
  party.keys = event.keys ?? null
  facts.status = 'waiting'
  if (actor !== `party:${event.partyId}`) return 'somebody else joined in its name'
  const { keys, expectedIdentityKey } = party
  if (expectedIdentityKey.length > 0 && !(keys !== null && equalBytes(keys.identityKey, expectedIdentityKey))) {
    return 'it joined with another identity key than the invited one'
  }
  if (keys === null) return null
  const others = facts.parties.flatMap((other) => (other === party || other.keys === null ? [] : [other.keys]))
  const taken = (['identityKey', 'ephemeralKey', 'nonce'] as const).some((part) =>
    others.some((other) => equalBytes(other[part], keys[part])),
  )
  return taken ? 'another party joined with the same keys' : null
}

function ready(facts: SessionFacts, partyId: string): string | null {
  const party = partyOf(facts, partyId)
  if (party === undefined || !party.joined) return `${partyId} has not joined`
  if (party.ready) return `${partyId} was ready already`
  party.ready = true
  return null
}

function started(facts: SessionFacts, rosterHash: Uint8Array): string | null {
  if (facts.started) return 'the session had started already'
  facts.started = true
  facts.status = 'in_progress'
  facts.rosterHash = rosterHash
  const waiting = facts.parties.filter((party) => !party.ready).map(({ partyId }) => partyId)
  if (waiting.length > 0) return `not ready yet: ${waiting.join(', ')}`
  try {
    return equalBytes(rosterHash, expectedRosterHash(facts)) ? null : 'the roster hash is not that of who joined'
  } catch {
    return 'a joined party has malformed keys'
  }
}

function reported(facts: SessionFacts, event: PartyCompleted): string | null {
  const party = partyOf(facts, event.partyId)
  if (party === undefined) return `${event.partyId} is not a participant`
  if (facts.status !== 'in_progress') return 'the session had not started'
  if (party.result !== null) return `${event.partyId} had reported already`
  party.result = resultOf(event)
  const { publicKey, signature } = event
  const fits = facts.type === 'keygen' ? publicKey.length > 0 && signature.length === 0 : signature.length === 64
  return fits ? null : 'it is no result of such a session'
}

function completed(facts: SessionFacts, event: SessionCompleted): string | null {
  const isRunning = facts.status === 'in_progress'
  const result = resultOf(event)
  facts.status = 'completed'
  facts.result = result
  if (!isRunning) return 'the session had not started'
  const missing = facts.parties.filter((party) => party.result === null).map(({ partyId }) => partyId)
  if (missing.length > 0) return `no result of ${missing.join(', ')}`
  const agree = facts.parties.every((party) => party.result !== null && sameResult(party.result, result))
  return agree ? null : 'it is not the result that the parties reported'
}

function failed(facts: SessionFacts, { reportedBy, culprits }: SessionFailed): string | null {
  facts.status = 'failed'
  const strangers = [reportedBy, ...culprits].filter((id) => id !== '' && partyOf(facts, id) === undefined)
  return strangers.length > 0 ? `not a participant: ${strangers.join(', ')}` : null
}

function partyOf({ parties }: SessionFacts, partyId: string): PartyFacts | undefined {
  return parties.find((party) => party.partyId === partyId)
}

function resultOf({ publicKey, signature, recoveryId }: Pick<PartyCompleted, keyof Result>): Result {
  return { publicKey, signature, recoveryId }
}
