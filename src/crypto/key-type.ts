/**
 * What a key signs with. The names are those of the API (`key_type`), are hashed into session ids and stored with
 * shares: they never change.
 */
export const keyTypes = ['ecdsa-secp256k1', 'eddsa-ed25519', 'schnorr-secp256k1'] as const
export type KeyType = (typeof keyTypes)[number]

/** The types that FROST makes and signs with: Ed25519 (RFC 8032) and BIP-340. */
export type FrostKeyType = Exclude<KeyType, 'ecdsa-secp256k1'>

/** Of keys and sessions that name none: those made before there were others. */
export const defaultKeyType = 'ecdsa-secp256k1' satisfies KeyType

/** The longest message that Ed25519 keys sign, in bytes. The other types sign a hash of 32 bytes. */
export const maxMessageLength = 65_536

export function isKeyType(name: string): name is KeyType {
  return keyTypes.some((keyType) => keyType === name)
}

/** Whether `message` is what keys of this type sign: 1 to `maxMessageLength` bytes for Ed25519, else a hash. */
export function canSign(keyType: KeyType, message: Uint8Array): boolean {
  if (keyType === 'eddsa-ed25519') return message.length >= 1 && message.length <= maxMessageLength
  return message.length === 32
}
