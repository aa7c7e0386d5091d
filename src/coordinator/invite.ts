/**
 * Join tokens for the parties of a new session; those of registered server parties are sealed to their identity as
 * well.
 */
import { hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { equalBytes } from '../crypto/bytes.ts'
import { invalidField } from '../edge/refusal.ts'
import type { ParticipantInfo } from '../gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { isIdentityKey, sealingKey } from '../identity/identity-key.ts'
import { packSealed, seal } from '../identity/seal.ts'
import { statement } from '../identity/statement.ts'
import { hashSecret, type NewSession } from './credentials.ts'
import type { Invited, KeyGroup } from './decide/command.ts'
import type { ServerParties } from '../edge/server-parties.ts'

const nothing = new Uint8Array(0)

export type Invitations = Readonly<{
  invited: readonly Invited[]
  /** Join token by party id: the only time that they are told. */
  joinTokens: Readonly<Record<string, string>>
}>

/**
 * A party that signs with a key must join with the identity it made the key with, and keeps its device unless the
 * request names another. Throws Refusal 'invalid_request' where two that fix a party's identity contradict each other.
 */
export async function inviteAll(
  { sessionId, joinTokenOf }: NewSession,
  participants: readonly ParticipantInfo[],
  key: KeyGroup | null,
  servers: ServerParties,
): Promise<Invitations> {
  const joinTokens: Record<string, string> = {}
  const invited = await Promise.all(
    participants.map(async ({ partyId, deviceType, deviceId, identityKey }, index) => {
      const joinToken = joinTokenOf(partyId)
      joinTokens[partyId] = joinToken
      const member = key?.members.find((candidate) => candidate.partyId === partyId)
      const device = {
        deviceType: deviceType || (member?.deviceType ?? ''),
        deviceId: deviceId || (member?.deviceId ?? ''),
      }
      const registered = device.deviceType === 'server' ? servers.get(device.deviceId) : undefined
      const ofKey = member !== undefined && member.identityKey.length > 0 ? member.identityKey : undefined
      const expectedIdentityKey = fixedIdentity(`participants[${index}]`, identityKey, ofKey, registered)
      const sealedJoinToken =
        registered === undefined
          ? nothing
          : await sealToken(sessionId, partyId, device.deviceId, expectedIdentityKey, joinToken)
      const joinTokenHash = hashSecret(joinToken)
      return { partyId, ...device, joinTokenHash, sealedJoinToken, expectedIdentityKey }
    }),
  )
  return { invited, joinTokens }
}

/** The one identity that all agree on; empty where none is fixed. `asked`: hex as requested, empty where not given. */
function fixedIdentity(
  field: string,
  asked: string,
  ofKey: Uint8Array | undefined,
  registered: Uint8Array | undefined,
): Uint8Array {
  if (ofKey !== undefined && registered !== undefined && !equalBytes(ofKey, registered)) {
    throw invalidField(`${field}.device_id`, 'is now registered with another identity than the key was made with')
  }
  const known = ofKey ?? registered
  if (asked === '') return known ?? nothing
  const identityKey = hexToBytes(asked.toLowerCase())
  if (!isIdentityKey(identityKey)) throw invalidField(`${field}.identity_key`, 'is not an Ed25519 public key')
  if (known === undefined || equalBytes(known, identityKey)) return identityKey
  const whose = ofKey === undefined ? 'the registered server party has' : 'the key was made with'
  throw invalidField(`${field}.identity_key`, `is not the one that ${whose}`)
}

async function sealToken(
  sessionId: string,
  partyId: string,
  deviceId: string,
  identityKey: Uint8Array,
  joinToken: string,
): Promise<Uint8Array> {
  const info = statement('joinTokenSeal', [sessionId])
  const aad = statement('joinTokenSeal', [sessionId, partyId, deviceId])
  return packSealed(await seal(sealingKey(identityKey), info, aad, Uint8Array.from(utf8ToBytes(joinToken))))
}
