/**
 * The two bearer secrets of a session: a join token for each invited party, and the credential that joining earns. The
 * log holds only their SHA-256.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'

const joinPrefix = 'mpc_join_'
const partyPrefix = 'mpc_party_'
const credentialTag = utf8ToBytes('mpc-system/v1/party-credential')
const uuidBytes = 16
const secretBytes = 32

/** `mpc_join_` and base64url of the session's id and 256 random bits. `sessionId` is a UUID. */
export function makeJoinToken(sessionId: string): string {
  const session = Buffer.from(sessionId.replaceAll('-', ''), 'hex')
  return joinPrefix + Buffer.concat([session, randomBytes(secretBytes)]).toString('base64url')
}

/** The session that a token was made for, or null for anything that has not the form of a token. */
export function sessionOfJoinToken(token: string): string | null {
  if (!token.startsWith(joinPrefix)) return null
  const text = token.slice(joinPrefix.length)
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length !== uuidBytes + secretBytes || bytes.toString('base64url') !== text) return null
  const hex = bytes.subarray(0, uuidBytes).toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** What the log keeps of a token or credential. Both are uniformly random, so a plain hash hides them. */
export function hashSecret(secret: string): Uint8Array {
  return sha256(utf8ToBytes(secret))
}

/**
 * The same for the same party, so that joining can be repeated. `identityKey` is empty for a party without keys.
 * `key`: the coordinators' common 32-byte secret.
 */
export function partyCredential(
  key: Uint8Array,
  sessionId: string,
  partyId: string,
  identityKey: Uint8Array,
): string {
  const mac = createHmac('sha256', key)
  for (const part of [credentialTag, utf8ToBytes(sessionId), utf8ToBytes(partyId), identityKey]) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(part.length)
    mac.update(length).update(part)
  }
  return partyPrefix + mac.digest('base64url')
}
