/**
 * The two ciphersuites of FROST that we use, both by @noble/curves: FROST(Ed25519, SHA-512) of RFC 9591, and
 * FROST(secp256k1, SHA-256) for Taproot, which signs by BIP-340. Everything that is computed on points here is public.
 */
import type { FROST } from '@noble/curves/abstract/frost.js'
import { ed25519, ed25519_FROST } from '@noble/curves/ed25519.js'
import { schnorr, schnorr_FROST, secp256k1 } from '@noble/curves/secp256k1.js'
import type { FrostKeyType } from '../key-type.ts'

export type Suite = Readonly<{
  keyType: FrostKeyType
  frost: FROST
  /** Length of an encoded point. */
  pointLength: number
  /** Whether the bytes encode a point of prime order: canonical, on the curve, not the identity. */
  isPoint: (bytes: Uint8Array) => boolean
  /** The public key as verifiers know it, 32 bytes, from the joint point. */
  publicKeyOf: (joint: Uint8Array) => Uint8Array
  /** Throws where a value has the wrong length. */
  verify: (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean
  isPublicKey: (bytes: Uint8Array) => boolean
}>

export const scalarLength = 32
/** A Schnorr signature in either suite: R (for BIP-340 its x), then z. Proofs of knowledge have this form too. */
export const signatureLength = 64
export const publicKeyLength = 32

const isEd25519Point = (bytes: Uint8Array) =>
  succeeds(() => {
    const point = ed25519.Point.fromBytes(bytes)
    return !point.is0() && point.isTorsionFree()
  })

const suites: Readonly<Record<FrostKeyType, Suite>> = {
  'eddsa-ed25519': {
    keyType: 'eddsa-ed25519',
    frost: ed25519_FROST,
    pointLength: 32,
    isPoint: isEd25519Point,
    publicKeyOf: (joint) => joint.slice(),
    // RFC 8032's own rules, not the laxer ones of ZIP 215: what verifies here verifies everywhere.
    verify: (signature, message, publicKey) => ed25519.verify(signature, message, publicKey, { zip215: false }),
    isPublicKey: isEd25519Point,
  },
  'schnorr-secp256k1': {
    keyType: 'schnorr-secp256k1',
    frost: schnorr_FROST,
    pointLength: 33,
    isPoint: (bytes) => bytes.length === 33 && succeeds(() => !secp256k1.Point.fromBytes(bytes).is0()),
    publicKeyOf: (joint) => joint.slice(1), // x alone: BIP-340 means the point whose y is even
    verify: (signature, message, publicKey) => schnorr.verify(signature, message, publicKey),
    isPublicKey: (bytes) =>
      bytes.length === 32 && succeeds(() => !secp256k1.Point.fromBytes(Uint8Array.of(2, ...bytes)).is0()),
  },
}

export function suiteOf(keyType: FrostKeyType): Suite {
  return suites[keyType]
}

/** Whether `signature` (64 bytes) signs `message` under `publicKey` (32 bytes). False for whatever is malformed. */
export function verifyFrostSignature(
  keyType: FrostKeyType,
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
): boolean {
  if (signature.length !== signatureLength || publicKey.length !== publicKeyLength) return false
  return succeeds(() => suites[keyType].verify(signature, message, publicKey))
}

/** Whether the 32 bytes are a public key of this type. */
export function isFrostPublicKey(keyType: FrostKeyType, bytes: Uint8Array): boolean {
  return suites[keyType].isPublicKey(bytes)
}

/** Below the group order, in the suite's byte order. */
export function isScalar({ frost }: Suite, bytes: Uint8Array): boolean {
  return succeeds(() => frost.utils.Fn.isValid(frost.utils.Fn.fromBytes(bytes)))
}

/** What `check` says; false when it throws, which is how noble refuses. */
export function succeeds(check: () => boolean): boolean {
  try {
    return check()
  } catch {
    return false
  }
}
