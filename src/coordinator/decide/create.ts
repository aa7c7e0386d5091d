/** Creating a session: every rule about thresholds, participants and the key to sign with. */
import { create } from '@bufbuild/protobuf'
import { hexToBytes } from '@noble/hashes/utils.js'
import { equalBytes } from '../../crypto/bytes.ts'
import { defaultKeyType, isKeyType, keyTypes, maxMessageLength, type KeyType } from '../../crypto/key-type.ts'
import { usedForAnotherRequest } from '../../edge/idempotency.ts'
import { invalidField, Refusal } from '../../edge/refusal.ts'
import type { SessionPayload } from '../../events/session-event.ts'
import { InvitedParticipantSchema, SessionCreatedSchema } from '../../gen/mpc/events/v1/session_events_pb.ts'
import { approvalMessage, policyMessage } from '../../policy/wire.ts'
import type { KeyPolicy } from '../../policy/key-policy.ts'
import { requireAllowed, soundPolicy } from '../policies.ts'
import type { SessionState } from '../session-state.ts'
import type { CreateSession, Invited, KeyGroup } from './command.ts'

const defaultExpirySeconds = 300
const maxParties = 20
/**
 * Stands for "every other party" where messages are addressed; and what JavaScript clients cannot use as a map's key.
 */
const reservedPartyIds = ['all', '__proto__']

export function createSession(state: SessionState, command: CreateSession): readonly SessionPayload[] {
  if (state.status !== 'none') return repeated(state, command)
  const thresholds = command.key === null ? givenThresholds(command) : thresholdsOfKey(command, command.key)
  const keyType = keyTypeOf(command)
  checkParticipants(command.participants)
  if (command.sessionType === 'keygen') checkKeygen(command)
  else checkSigners(command, thresholds)
  const policy = policyOf(command, thresholds)
  const value = create(SessionCreatedSchema, {
    sessionType: command.sessionType,
    ...thresholds,
    participants: command.participants.map((invited) => create(InvitedParticipantSchema, invited)),
    expiresAtMs: BigInt(command.nowMs + 1000 * (command.expiresInSeconds || defaultExpirySeconds)),
    ...(command.sessionType === 'sign' && toSign(command, keyType)),
    keyType,
    keyId: command.key?.keyId ?? '',
    publicKey: command.key?.publicKey ?? new Uint8Array(0),
    requestHash: command.requestHash,
    ...(policy !== null && { policy: policyMessage(policy) }),
    approvals: command.approvals.map(approvalMessage),
  })
  requireAllowed(command.verdict)
  return [{ case: 'sessionCreated', value }]
}

/** A session id is made twice only from one Idempotency-Key. */
function repeated(state: SessionState, { requestHash }: CreateSession): readonly SessionPayload[] {
  if (requestHash.length > 0 && equalBytes(state.requestHash, requestHash)) return []
  throw usedForAnotherRequest()
}

type Thresholds = Readonly<{ thresholdT: number; thresholdN: number }>

function givenThresholds({ thresholdT, thresholdN }: CreateSession): Thresholds {
  if (thresholdN < 2 || thresholdN > maxParties) throw invalidField('threshold_n', `must be from 2 to ${maxParties}`)
  if (thresholdT < 2 || thresholdT > thresholdN) throw invalidField('threshold_t', 'must be from 2 to threshold_n')
  return { thresholdT, thresholdN }
}

/** The key decides; what the request says may only repeat it. */
function thresholdsOfKey(command: CreateSession, key: KeyGroup): Thresholds {
  if (command.thresholdT !== 0 && command.thresholdT !== key.thresholdT) {
    throw invalidField('threshold_t', `the key has ${key.thresholdT}`)
  }
  if (command.thresholdN !== 0 && command.thresholdN !== key.thresholdN) {
    throw invalidField('threshold_n', `the key has ${key.thresholdN}`)
  }
  return { thresholdT: key.thresholdT, thresholdN: key.thresholdN }
}

/** The key decides here too. */
function keyTypeOf({ keyType, key }: CreateSession): KeyType {
  if (keyType !== '' && !isKeyType(keyType)) throw invalidField('key_type', `must be one of ${keyTypes.join(', ')}`)
  if (key === null) return keyType === '' ? defaultKeyType : keyType
  if (keyType !== '' && keyType !== key.keyType) throw invalidField('key_type', `the key is of type ${key.keyType}`)
  return key.keyType
}

/** Of the key to make, or of the key to sign with: a sign session only repeats it. */
function policyOf(command: CreateSession, { thresholdT }: Thresholds): KeyPolicy | null {
  const { sessionType, policy, approvals, key, participants } = command
  if (sessionType === 'keygen') {
    if (approvals.length > 0) throw invalidField('approvals', 'only a sign session has approvals')
    const partyIds = participants.map(({ partyId }) => partyId)
    return policy === null ? null : soundPolicy(policy, { partyIds, thresholdT })
  }
  if (policy !== null) throw invalidField('policy', 'is fixed when the key is made')
  const fixed = key?.policy ?? null
  if (approvals.length > 0 && fixed === null) throw invalidField('approvals', 'the key has no policy')
  return fixed
}

function checkParticipants(participants: readonly Invited[]): void {
  const seen = new Set<string>()
  const servers = new Set<string>()
  for (const [index, { partyId, deviceId, sealedJoinToken, expectedIdentityKey }] of participants.entries()) {
    const field = `participants[${index}].party_id`
    if (reservedPartyIds.includes(partyId)) throw invalidField(field, `"${partyId}" is reserved`)
    if (seen.has(partyId)) throw invalidField(field, 'named twice')
    seen.add(partyId)
    if (sealedJoinToken.length > 0) {
      // One server in two places would hold two shares of one key.
      if (servers.has(deviceId)) throw invalidField(`participants[${index}].device_id`, 'invited twice')
      servers.add(deviceId)
    }
    // Two parties with one identity cannot both join.
    const before = participants.slice(0, index).some((other) => isSameIdentity(other, expectedIdentityKey))
    if (before) throw invalidField(`participants[${index}].identity_key`, 'is that of another participant')
  }
}

function isSameIdentity({ expectedIdentityKey }: Invited, identityKey: Uint8Array): boolean {
  return identityKey.length > 0 && equalBytes(expectedIdentityKey, identityKey)
}

function checkKeygen(command: CreateSession): void {
  if (command.key !== null) throw invalidField('key_id', 'only a sign session names a key')
  if (command.participants.length !== command.thresholdN) {
    throw invalidField('participants', `must be as many as threshold_n, ${command.thresholdN}`)
  }
}

function checkSigners({ participants, key }: CreateSession, { thresholdT, thresholdN }: Thresholds): void {
  for (const [index, { partyId }] of participants.entries()) {
    if (key === null || key.members.some((member) => member.partyId === partyId)) continue
    throw invalidField(`participants[${index}].party_id`, 'is not one of the parties of the key')
  }
  if (participants.length < thresholdT) {
    const details = { participants: `${participants.length} of ${thresholdT} required signers` }
    throw new Refusal('threshold_not_met', `signing needs at least ${thresholdT} participants`, details)
  }
  if (participants.length > thresholdN) throw invalidField('participants', `must be at most threshold_n, ${thresholdN}`)
}

/** Ed25519 hashes what it signs by itself (RFC 8032), so it gets a message; the other types get a hash. */
function toSign(
  { messageHash, message }: CreateSession,
  keyType: KeyType,
): Readonly<{ messageHash: Uint8Array } | { message: Uint8Array }> {
  if (keyType === 'eddsa-ed25519') {
    if (messageHash !== '') throw invalidField('message_hash', `keys of type ${keyType} sign a message, not a hash`)
    if (message.length < 1 || message.length > maxMessageLength) {
      throw invalidField('message', `must be 1 to ${maxMessageLength} bytes: this session signs with ${keyType}`)
    }
    return { message }
  }
  if (message.length > 0) throw invalidField('message', `keys of type ${keyType} sign a hash: message_hash`)
  if (!/^[0-9A-Fa-f]{64}$/.test(messageHash)) {
    throw invalidField('message_hash', 'must be 64 hex digits in a sign session')
  }
  return { messageHash: hexToBytes(messageHash) }
}
