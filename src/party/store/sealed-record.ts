/**
 * Records at rest: a public header and a secret body, encrypted with XChaCha20-Poly1305 under a key derived from the
 * store's data key. Version, data key, purpose, record name, device and the whole header are authenticated with it, so
 * that no file can stand in for another. A nonce of 192 random bits may be drawn anew for every write without a
 * counter.
 *
 * Layout: version (1) ‖ data key's id (8) ‖ header length (4, big-endian) ‖ header (JSON) ‖ nonce (24) ‖ ciphertext.
 * Version 1 had no id, and its keys were derived from the key-encryption key itself; such records can still be opened.
 */
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { concatBytes, equalBytes, uint32 } from '../../crypto/bytes.ts'
import type { Rng } from '../../crypto/protocol.ts'
import { StorageError } from './records.ts'

export type Purpose = 'key-share' | 'key-ledger' | 'approval-ledger' | 'session-journal' | 'key-encryption-key'

/** What the records of a store open with. */
export type StoreKey = Readonly<{
  /** 32 random bytes. */
  dataKey: Uint8Array
  /** The 32-byte key under which version 1 sealed this store's records; null where it is not at hand. */
  former: Uint8Array | null
}>

export type RecordKey = Readonly<{
  purpose: Purpose
  /** Device the records belong to. */
  deviceId: string
  /** 32 bytes, derived; and the public id of the data key it comes from. */
  key: Uint8Array
  dataKeyId: Uint8Array
  /** Of records of version 1. */
  formerKey: Uint8Array | null
  rng: Rng
}>

export type OpenedRecord = Readonly<{
  header: unknown
  body: Uint8Array
  /** Sealed by an earlier release: seal it again. */
  outdated: boolean
}>

const version = 2
const formerVersion = 1
const nonceLength = 24
const idLength = 8
/** A policy of 64 sets of 20 parties with the longest ids takes 86 kB. */
const maxHeaderLength = 131_072
const utf8 = new TextEncoder()

/** Each purpose gets a key of its own (HKDF, RFC 5869). */
export function recordKey({ dataKey, former }: StoreKey, purpose: Purpose, deviceId: string, rng: Rng): RecordKey {
  return {
    purpose,
    deviceId,
    rng,
    key: derive(dataKey, `mpc-system/v${version}/at-rest/${purpose}`, 32),
    dataKeyId: dataKeyId(dataKey),
    formerKey: former === null ? null : derive(former, `mpc-system/v${formerVersion}/at-rest/${purpose}`, 32),
  }
}

/** Public: tells records and key files of one data key from those of others. 8 bytes. */
export function dataKeyId(dataKey: Uint8Array): Uint8Array {
  return derive(dataKey, 'mpc-system/v2/data-key-id', idLength)
}

export function sealRecord(key: RecordKey, name: string, header: object, body: Uint8Array): Uint8Array {
  const headerBytes = utf8.encode(JSON.stringify(header))
  if (headerBytes.length > maxHeaderLength) throw new StorageError(`${key.purpose} ${name}: the header is too long`)
  const nonce = key.rng(nonceLength)
  const aad = associatedData(key, version, name, headerBytes)
  const ciphertext = xchacha20poly1305(key.key, nonce, aad).encrypt(body)
  const start = concatBytes(Uint8Array.of(version), key.dataKeyId, uint32(headerBytes.length))
  return concatBytes(start, headerBytes, nonce, ciphertext)
}

/** Version 1, or what a damaged file has in its place. */
export function isOfFormerVersion(bytes: Uint8Array): boolean {
  return bytes[0] !== version
}

/** @throws StorageError that names the record when it was not sealed under this key, for this name and device. */
export function openRecord(key: RecordKey, name: string, bytes: Uint8Array): OpenedRecord {
  const fail = (problem: string) => new StorageError(`${key.purpose} ${name}: ${problem}`)
  const [readVersion] = bytes
  if (readVersion !== version && readVersion !== formerVersion) throw fail('unknown format version')
  const lengthOffset = readVersion === version ? 1 + idLength : 1
  const headerOffset = lengthOffset + 4
  if (bytes.length < headerOffset + nonceLength) throw fail('the file is cut short')
  if (readVersion === version && !equalBytes(bytes.subarray(1, lengthOffset), key.dataKeyId)) {
    const [found, own] = [bytesToHex(bytes.subarray(1, lengthOffset)), bytesToHex(key.dataKeyId)]
    throw fail(`sealed under the data key ${found}, not under ${own}: from another store, or a damaged file`)
  }
  const headerLength = new DataView(bytes.buffer, bytes.byteOffset).getUint32(lengthOffset)
  if (headerLength > maxHeaderLength || bytes.length < headerOffset + headerLength + nonceLength) {
    throw fail('the file is damaged')
  }
  const nonceOffset = headerOffset + headerLength
  const headerBytes = bytes.subarray(headerOffset, nonceOffset)
  const nonce = bytes.subarray(nonceOffset, nonceOffset + nonceLength)
  const secret = readVersion === version ? key.key : key.formerKey
  if (secret === null) throw fail('sealed by an earlier release: start once with the key-encryption key of that time')
  let body: Uint8Array
  try {
    const aad = associatedData(key, readVersion, name, headerBytes)
    body = xchacha20poly1305(secret, nonce, aad).decrypt(bytes.subarray(nonceOffset + nonceLength))
  } catch {
    const wrongKey = readVersion === version ? '' : 'wrong key-encryption key, '
    throw fail(`cannot be decrypted: ${wrongKey}the record of another name, kind or device, or a damaged file`)
  }
  // Authenticated, so it is the JSON that we wrote.
  const header: unknown = JSON.parse(new TextDecoder().decode(headerBytes))
  return { header, body, outdated: readVersion !== version }
}

function associatedData(key: RecordKey, formatVersion: number, name: string, header: Uint8Array): Uint8Array {
  const parts = [
    utf8.encode(`mpc-system/v${formatVersion}/${key.purpose}`),
    ...(formatVersion === version ? [key.dataKeyId] : []),
    utf8.encode(key.deviceId),
    utf8.encode(name),
    header,
  ]
  return concatBytes(...parts.flatMap((part) => [uint32(part.length), part]))
}

function derive(secret: Uint8Array, info: string, length: number): Uint8Array {
  if (secret.length !== 32) throw new RangeError('data keys and key-encryption keys are 32 bytes')
  return hkdf(sha256, secret, undefined, utf8.encode(info), length)
}
