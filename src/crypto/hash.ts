/**
 * The random oracles: SHA-256 where 32 bytes do, SHAKE256 where a longer or a uniform-modulo-q output is needed, and
 * keyed BLAKE3 where much is hashed in small pieces. All inputs are framed, so no two different lists of
 * items hash alike: `H(t, 'a', 'bc')` is not `H(t, 'ab', 'c')`.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { shake256 } from '@noble/hashes/sha3.js'
import { uint32 } from './bytes.ts'
import type { Engine, Sha256 } from './engine.ts'
import { wideScalarLength, type Scalar } from './curve/scalar.ts'
import { scalars } from './limbs/mod-q/scalars.ts'
import { blockWords, keyedHash } from './symmetric/blake3.ts'
import type { Tag } from './tags.ts'

/** Strings are hashed as UTF-8, numbers as unsigned 32-bit integers. */
export type HashItem = Uint8Array | string | number

export const hashLength = 32

/** 32 bytes: SHA-256 over the tag and every item, each preceded by its length as 4 bytes. */
export function H(tag: Tag, ...items: readonly HashItem[]): Uint8Array {
  return hashParts(framed(tag, items))
}

/** The same, by the engine's SHA-256, for items of many kilobytes. */
export function longHash({ sha256 }: Pick<Engine, 'sha256'>, tag: Tag, ...items: readonly HashItem[]): Uint8Array {
  return sha256(framed(tag, items))
}

/** Kept and cloned: with the last object of its class V8 would drop the code that was compiled for it. */
const emptyHash = sha256.create()

export const hashParts: Sha256 = (parts) => {
  const hash = emptyHash.clone()
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** `length` bytes of SHAKE256 over the same framing. */
export function xof(length: number, tag: Tag, ...items: readonly HashItem[]): Uint8Array {
  const hash = shake256.create({ dkLen: length })
  for (const part of framed(tag, items)) hash.update(part)
  return hash.digest()
}

/** A scalar within 2^-128 of uniform: 48 bytes reduced modulo q (RFC 9380 section 5.1 uses the same margin). */
export function hashToScalar(tag: Tag, ...items: readonly HashItem[]): Scalar {
  const bytes = xof(wideScalarLength, tag, ...items)
  const scalar = scalars.reduceWide(bytes) as Scalar // one, and no copy of it: some are secret
  bytes.fill(0)
  return scalar
}

/** `length` public bytes, for long lists: BLAKE3 of nothing under the key H(tag, items). Much faster than `xof`. */
export function stretch(length: number, tag: Tag, ...items: readonly HashItem[]): Uint8Array {
  const stream = new Uint8Array(length)
  keyedHash(new DataView(stream.buffer), 0, length, keyOf(tag, items), new Int32Array(blockWords), 0)
  return stream
}

/**
 * Hashes rows of one session, `rowLength` bytes each, a multiple of 4 up to 60, to `length` bytes each: BLAKE3 of the
 * row's index (4 bytes, little-endian) ‖ row under the key H(tag, items). Rows may be secret, and related: nothing is
 * asked of them but that they cannot be guessed.
 */
export function hashRows(
  rows: Uint8Array,
  rowLength: number,
  length: number,
  tag: Tag,
  ...items: readonly HashItem[]
): Uint8Array {
  const [count, rowWords] = [Math.floor(rows.length / rowLength), rowLength >>> 2]
  if (rowLength % 4 !== 0 || rowWords >= blockWords) throw new RangeError(`rows of ${rowLength} bytes`)
  const key = keyOf(tag, items)
  const message = new Int32Array(blockWords)
  const hashes = new Uint8Array(count * length)
  const view = new DataView(hashes.buffer)
  for (let index = 0; index < count; index++) {
    message[0] = index
    for (let i = 0, from = index * rowLength; i < rowWords; i++, from += 4) {
      // Every row has four bytes for each word.
      message[i + 1] = rows[from]! | (rows[from + 1]! << 8) | (rows[from + 2]! << 16) | (rows[from + 3]! << 24)
    }
    keyedHash(view, index * length, length, key, message, 4 + rowLength)
  }
  message.fill(0)
  return hashes
}

function keyOf(tag: Tag, items: readonly HashItem[]): Int32Array {
  const view = new DataView(H(tag, ...items).buffer)
  const key = new Int32Array(8)
  for (let i = 0; i < 8; i++) key[i] = view.getInt32(4 * i, true)
  return key
}

const utf8 = new TextEncoder()

function* framed(tag: Tag, items: readonly HashItem[]): Generator<Uint8Array> {
  for (const item of [tag, ...items]) {
    const bytes = typeof item === 'string' ? utf8.encode(item) : typeof item === 'number' ? uint32(item) : item
    yield uint32(bytes.length)
    yield bytes
  }
}
