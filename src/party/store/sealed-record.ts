/**
 * Records at rest: a public header and a secret body, encrypted with XChaCha20-Poly1305 under a key derived from the
 * key-encryption key. Version, purpose, record name, device and the whole header are authenticated with it, so that no
 * file can stand in for another. A nonce of 192 random bits may be drawn anew for every write without a counter.
 *
 * Layout: version (1) ‖ header length (4, big-endian) ‖ header (JSON) ‖ nonce (24) ‖ ciphertext.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, uint32 } from '../../crypto/bytes.ts'
import type { Rng } from '../../crypto/protocol.ts'
import { StorageError } from './records.ts'

export type Purpose = 'key-share' | 'key-ledger' | 'approval-ledger' | 'session-journal' | 'key-encryption-key'

export type RecordKey = Readonly<{
  purpose: Purpose
  /** Device the records belong to. */
  deviceId: string
  /** 32 bytes, derived. */
  key: Uint8Array
  rng: Rng
}>

export type OpenedRecord = Readonly<{ header: unknown; body: Uint8Array }>

const version = 1
const headerOffset = 5
const nonceLength = 24
/** A policy of 64 sets of 20 parties with the longest ids takes 86 kB. */
const maxHeaderLength = 131_072
const utf8 = new TextEncoder()

/** `kek`: the 32-byte key-encryption key. Each purpose gets a key of its own (HKDF, RFC 5869). */
export function recordKey(kek: Uint8Array, purpose: Purpose, deviceId: string, rng: Rng): RecordKey {
  if (kek.length !== 32) throw new RangeError('a key-encryption key is 32 bytes')
  return {
    purpose,
    deviceId,
    rng,
    key: hkdf(sha256, kek, undefined, utf8.encode(`mpc-system/v1/at-rest/${purpose}`), 32),
  }
}

export function sealRecord(key: RecordKey, name: string, header: object, body: Uint8Array): Uint8Array {
  const headerBytes = utf8.encode(JSON.stringify(header))
  if (headerBytes.length > maxHeaderLength) throw new StorageError(`${key.purpose} ${name}: the header is too long`)
  const nonce = key.rng(nonceLength)
  const ciphertext = xchacha20poly1305(key.key, nonce, associatedData(key, name, headerBytes)).encrypt(body)
  return concatBytes(Uint8Array.of(version), uint32(headerBytes.length), headerBytes, nonce, ciphertext)
}

/** @throws StorageError that names the record when it was not sealed under this key, for this name and device. */
export function openRecord(key: RecordKey, name: string, bytes: Uint8Array): OpenedRecord {
  const fail = (problem: string) => new StorageError(`${key.purpose} ${name}: ${problem}`)
  if (bytes[0] !== version) throw fail('unknown format version')
  if (bytes.length < headerOffset + nonceLength) throw fail('the file is cut short')
  const headerLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1)
  if (headerLength > maxHeaderLength || bytes.length < headerOffset + headerLength + nonceLength) {
    throw fail('the file is damaged')
  }
  const nonceOffset = headerOffset + headerLength
  const headerBytes = bytes.subarray(headerOffset, nonceOffset)
  const nonce = bytes.subarray(nonceOffset, nonceOffset + nonceLength)
  const aad = associatedData(key, name, headerBytes)
  let body: Uint8Array
  try {
    body = xchacha20poly1305(key.key, nonce, aad).decrypt(bytes.subarray(nonceOffset + nonceLength))
  } catch {
    throw fail("cannot be decrypted: wrong key-encryption key, another device's record, or a damaged file")
  }
  // Authenticated, so it is the JSON that we wrote.
  return { header: JSON.parse(new TextDecoder().decode(headerBytes)), body }
}

function associatedData(key: RecordKey, name: string, header: Uint8Array): Uint8Array {
  const parts = [
    utf8.encode(`mpc-system/v${version}/${key.purpose}`),
    utf8.encode(key.deviceId),
    utf8.encode(name),
    header,
  ]
  return concatBytes(...parts.flatMap((part) => [uint32(part.length), part]))
}
