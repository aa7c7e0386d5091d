/**
 * A party's long-term identity: an Ed25519 key (RFC 8032). Signing and verifying go through WebCrypto, which Node and
 * browsers share and which is an order of magnitude faster than JavaScript arithmetic.
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { statement } from './statement.ts'

/** PKCS #8 header of an Ed25519 private key (RFC 8410, section 7); the 32-byte seed follows. */
const pkcs8Header = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20)

export type Identity = Readonly<{
  /** 32 bytes. */
  publicKey: Uint8Array<ArrayBuffer>
  sign(statement: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>
}>

/** An identity to which join tokens can be sealed: that of a server party. */
export type OpeningIdentity = Identity &
  Readonly<{
    /** The X25519 secret of the same key, with which they are opened. */
    openingSecret(): Uint8Array<ArrayBuffer>
  }>

/** `seed`: 32 secret bytes. */
export async function identityFromSeed(seed: Uint8Array): Promise<OpeningIdentity> {
  if (seed.length !== 32) throw new RangeError('an identity seed is 32 bytes')
  const own = Uint8Array.from(seed)
  const pkcs8 = new Uint8Array([...pkcs8Header, ...own])
  const key = await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign'])
  pkcs8.fill(0)
  return {
    ...identityFromKey(key, Uint8Array.from(ed25519.getPublicKey(own))),
    openingSecret: () => Uint8Array.from(ed25519.utils.toMontgomerySecret(own)),
  }
}

/** `key`: an Ed25519 private key that may sign; it need not be extractable. `publicKey`: its public half, 32 bytes. */
export function identityFromKey(key: CryptoKey, publicKey: Uint8Array<ArrayBuffer>): Identity {
  return {
    publicKey,
    sign: async (statement) => new Uint8Array(await crypto.subtle.sign('Ed25519', key, statement)),
  }
}

/** False for anything but a valid signature, malformed keys included. */
export async function verifyIdentity(
  publicKey: Uint8Array,
  statement: Uint8Array<ArrayBuffer>,
  signature: Uint8Array,
): Promise<boolean> {
  if (publicKey.length !== 32 || signature.length !== 64 || !isIdentityKey(publicKey)) return false
  const key = await crypto.subtle.importKey('raw', Uint8Array.from(publicKey), 'Ed25519', true, ['verify'])
  return crypto.subtle.verify('Ed25519', key, Uint8Array.from(signature), statement)
}

/** A canonical point of the prime-order subgroup: no small-order key, which would accept anyone's signature. */
export function isIdentityKey(publicKey: Uint8Array): boolean {
  const cached = knownKeys.get(bytesToHex(publicKey))
  if (cached !== undefined) return cached
  const valid = isTorsionFreePoint(publicKey)
  if (knownKeys.size >= maxKnownKeys) knownKeys.clear()
  knownKeys.set(bytesToHex(publicKey), valid)
  return valid
}

/** The X25519 key to seal to so that only the holder of this identity can open. */
export function sealingKey(publicKey: Uint8Array): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(ed25519.utils.toMontgomery(publicKey))
}

/**
 * 128 bits of a hash of the key, in eight groups for people to compare: `3f9a-01c2-...`. Whoever wants to pass for
 * somebody has to find a key of their own with the same fingerprint, a second preimage: 2^128 keys, or 2^96 where any
 * of four billion parties will do. 80 bits would be within reach of hardware that exists. Two keys of one's own with
 * the same fingerprint cost 2^64 and are of no use: all compute with the one that the roster's hash fixes.
 */
export function fingerprint(publicKey: Uint8Array): string {
  const digest = sha256(statement('fingerprint', [publicKey]))
  return (bytesToHex(digest.subarray(0, fingerprintBytes)).match(/.{4}/g) ?? []).join('-')
}

const fingerprintBytes = 16

/** The subgroup check costs a millisecond and keys repeat, so verdicts are kept. */
const knownKeys = new Map<string, boolean>()
const maxKnownKeys = 4096

function isTorsionFreePoint(publicKey: Uint8Array): boolean {
  try {
    const point = ed25519.Point.fromBytes(publicKey)
    return !point.isSmallOrder() && point.isTorsionFree()
  } catch {
    return false
  }
}
