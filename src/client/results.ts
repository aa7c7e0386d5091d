/** What a device's sessions end with, in the spellings that others expect. Public values only. */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { concatBytes } from '../crypto/bytes.ts'
import type { FrostKeyType, KeyType } from '../crypto/key-type.ts'
import { ethereumAddress, publicKeyHex } from '../crypto/public-key.ts'
import type { SessionResult } from '../party/session/run.ts'

type CommonKey<K extends KeyType> = Readonly<{
  keyId: string
  keyType: K
  /** As hex, as the API has it everywhere: 65 bytes for ECDSA (`04…`), 32 for the other types. */
  publicKey: string
}>

export type EcdsaKey = CommonKey<'ecdsa-secp256k1'> &
  Readonly<{
    /** 33 bytes. */
    compressedPublicKey: Uint8Array
    /** With the checksum of EIP-55. */
    ethereumAddress: string
  }>

export type MadeKey<K extends KeyType = KeyType> = K extends FrostKeyType ? CommonKey<K> : EcdsaKey

export type EcdsaSignature = CommonKey<'ecdsa-secp256k1'> &
  Readonly<{
    /** As hex. */
    messageHash: string
    /** 32 bytes each; s is low. */
    r: Uint8Array
    s: Uint8Array
    /** 0 to 3. Ethereum's v is 27 more. */
    recoveryId: number
    /** r||s as hex: as the API has it. */
    signature: string
    /** For Bitcoin, TLS and OpenSSL. */
    der: Uint8Array
  }>

export type SchnorrSignature<K extends FrostKeyType = FrostKeyType> = CommonKey<K> &
  Readonly<{
    /** What was signed: with an Ed25519 key the message, with a BIP-340 key the hash. */
    message: Uint8Array
    /** 64 bytes as hex: R||s of RFC 8032 or of BIP-340. */
    signature: string
  }>

export type MadeSignature<K extends KeyType = KeyType> = K extends FrostKeyType ? SchnorrSignature<K> : EcdsaSignature

export function madeKey(result: Extract<SessionResult, { kind: 'key-made' }>): MadeKey {
  const { keyId, keyType, publicKey } = result
  if (keyType !== 'ecdsa-secp256k1') return { keyId, keyType, publicKey: publicKeyHex(publicKey) }
  return {
    keyId,
    keyType,
    publicKey: publicKeyHex(publicKey),
    compressedPublicKey: publicKey,
    ethereumAddress: ethereumAddress(publicKey),
  }
}

export function madeSignature(result: Exclude<SessionResult, { kind: 'key-made' }>): MadeSignature {
  const { keyId } = result
  const publicKey = publicKeyHex(result.publicKey)
  if (result.kind === 'schnorr-signed') {
    const { keyType, message, signature } = result
    return { keyId, keyType, publicKey, message, signature: bytesToHex(signature) }
  }
  const { keyType, messageHash, r, s, recoveryId } = result
  const signature = concatBytes(r, s)
  return {
    keyId,
    keyType,
    publicKey,
    messageHash: bytesToHex(messageHash),
    r,
    s,
    recoveryId,
    signature: bytesToHex(signature),
    der: secp256k1.Signature.fromBytes(signature, 'compact').toBytes('der'),
  }
}
