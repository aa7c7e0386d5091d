/**
 * The random oracles: SHA-256 where 32 bytes do, SHAKE256 where a longer or a uniform-modulo-q output is needed, and
 * ChaCha20 to stretch what SHA-256 has made. All inputs are framed, so no two different lists of
 * items hash alike: `H(t, 'a', 'bc')` is not `H(t, 'ab', 'c')`.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { shake256 } from '@noble/hashes/sha3.js'
import { uint32 } from './bytes.ts'
import type { Engine, Sha256 } from './engine.ts'
import { scalarAt, wideScalarLength, type PackedScalars, type Scalar } from './curve/scalar.ts'
import { scalars } from './limbs/mod-q/scalars.ts'
import { expandKey } from './symmetric/chacha20.ts'
import { compress, initialState } from './symmetric/sha256.ts'
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

export const hashParts: Sha256 = (parts) => {
  const hash = sha256.create()
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
  return scalarAt(scalars.reduceWide(xof(wideScalarLength, tag, ...items)))
}

/**
 * `length` public bytes, for long lists: ChaCha20 keystream under the key H(tag, items). An order of magnitude faster
 * than `xof`.
 */
export function stretch(length: number, tag: Tag, ...items: readonly HashItem[]): Uint8Array {
  const stream = new Uint8Array(length)
  const seed = new DataView(H(tag, ...items).buffer)
  const key = Int32Array.from({ length: 8 }, (_, i) => seed.getInt32(4 * i, true))
  expandKey(new DataView(stream.buffer), 0, length, key)
  return stream
}

/** `count` public scalars, 48 bytes of that each. */
export function stretchToScalars(count: number, tag: Tag, ...items: readonly HashItem[]): PackedScalars {
  return scalars.reduceWide(stretch(count * wideScalarLength, tag, ...items))
}

/**
 * A stretching function for many rows of one session, `rowLength` bytes each, at most 51: `length` bytes of `out` from
 * `at` on become ChaCha20 keystream under the key SHA-256(H(tag, items) ‖ 32 zero bytes ‖ index ‖ row). The prefix
 * fills a block, so that it is compressed once for all rows and each key is a single compression. Every key is used for
 * exactly one stream, which makes the constant nonce safe.
 */
export function rowExpander(rowLength: number, tag: Tag, ...items: readonly HashItem[]) {
  const midstate = Int32Array.from(initialState)
  const block = new Uint8Array(blockLength)
  const view = new DataView(block.buffer)
  block.set(H(tag, ...items))
  compress(midstate, view, 0)
  // The last block of index and row is padded as FIPS 180-4, section 5.1.1, says: a one bit, zeros, the length in bits.
  block.fill(0)
  block[4 + rowLength] = 0x80
  view.setUint32(blockLength - 4, 8 * (blockLength + 4 + rowLength))
  const key = new Int32Array(8)
  // Loops, here and below: a call of set or fill costs more than such short arrays take.
  return (index: number, rows: Uint8Array, out: DataView, at: number, length: number): void => {
    if (rows.length < (index + 1) * rowLength) throw new RangeError(`row ${index} of ${rows.length / rowLength}`)
    view.setUint32(0, index)
    for (let i = 0; i < rowLength; i++) block[4 + i] = rows[index * rowLength + i]!
    for (let i = 0; i < 8; i++) key[i] = midstate[i]!
    compress(key, view, 0)
    reverseWords(key)
    expandKey(out, at, length, key)
    for (let i = 0; i < 8; i++) key[i] = 0
    for (let i = 0; i < rowLength; i++) block[4 + i] = 0
  }
}

const blockLength = 64

/** From SHA-256's big-endian reading of 32 bytes to ChaCha20's little-endian one. */
function reverseWords(words: Int32Array): void {
  for (let i = 0; i < 8; i++) {
    const word = words[i]! // eight of them
    words[i] = (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)
  }
}

const utf8 = new TextEncoder()

function* framed(tag: Tag, items: readonly HashItem[]): Generator<Uint8Array> {
  for (const item of [tag, ...items]) {
    const bytes = typeof item === 'string' ? utf8.encode(item) : typeof item === 'number' ? uint32(item) : item
    yield uint32(bytes.length)
    yield bytes
  }
}
