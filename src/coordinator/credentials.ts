/**
 * The two bearer secrets of a session: a join token for each invited party, and the credential that joining earns. The
 * log holds only their SHA-256.
 */
import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'

const joinPrefix = 'mpc_join_'
const partyPrefix = 'mpc_party_'
const credentialTag = utf8ToBytes('mpc-system/v1/party-credential')
const sessionIdTag = utf8ToBytes('mpc-system/v1/repeatable-session-id')
const joinTokenTag = utf8ToBytes('mpc-system/v1/repeatable-join-token')
const uuidBytes = 16
const secretBytes = 32

/** A session about to be created: its id, and the join token of each of its parties. */
export type NewSession = Readonly<{ sessionId: string; joinTokenOf: (partyId: string) => string }>

/** Never the same twice. Tokens hold 256 random bits. */
export function freshSession(): NewSession {
  const sessionId = randomUUID()
  return { sessionId, joinTokenOf: () => makeJoinToken(sessionId, randomBytes(secretBytes)) }
}

/**
 * The same for the same caller and key, on every coordinator that has `credentialKey`, so that the answer to a repeated
 * call can be given again although no token is kept anywhere.
 */
export function repeatableSession(credentialKey: Uint8Array, actor: string, idempotencyKey: string): NewSession {
  const digest = taggedMac(credentialKey, sessionIdTag, [utf8ToBytes(actor), utf8ToBytes(idempotencyKey)])
  const sessionId = uuidOf(digest.subarray(0, uuidBytes))
  const secretOf = (partyId: string) =>
    taggedMac(credentialKey, joinTokenTag, [utf8ToBytes(sessionId), utf8ToBytes(partyId)])
  return { sessionId, joinTokenOf: (partyId) => makeJoinToken(sessionId, secretOf(partyId)) }
}

/** `mpc_join_` and base64url of the session's id and the token's secret. `sessionId` is a UUID. */
function makeJoinToken(sessionId: string, secret: Uint8Array): string {
  const session = Buffer.from(sessionId.replaceAll('-', ''), 'hex')
  return joinPrefix + Buffer.concat([session, secret]).toString('base64url')
}

/** A UUID of version 8 (RFC 9562, section 5.8): its other 122 bits are ours. */
function uuidOf(bytes: Uint8Array): string {
  const uuid = Uint8Array.from(bytes)
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x80
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80
  return spellUuid(bytesToHex(uuid))
}

function spellUuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** The session that a token was made for, or null for anything that has not the form of a token. */
export function sessionOfJoinToken(token: string): string | null {
  if (!token.startsWith(joinPrefix)) return null
  const text = token.slice(joinPrefix.length)
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length !== uuidBytes + secretBytes || bytes.toString('base64url') !== text) return null
  return spellUuid(bytes.subarray(0, uuidBytes).toString('hex'))
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
  const parts = [utf8ToBytes(sessionId), utf8ToBytes(partyId), identityKey]
  return partyPrefix + taggedMac(key, credentialTag, parts).toString('base64url')
}

/** HMAC-SHA256 over the parts, each with its length, so that no two lists of parts are the same input. */
function taggedMac(key: Uint8Array, tag: Uint8Array, parts: readonly Uint8Array[]): Buffer {
  const mac = createHmac('sha256', key)
  for (const part of [tag, ...parts]) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(part.length)
    mac.update(length).update(part)
  }
  return mac.digest()
}
