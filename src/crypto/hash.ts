/**
 * The random oracles: SHA-256 where 32 bytes do, SHAKE256 where a longer or a uniform-modulo-q output is needed, and
 * ChaCha20 to stretch a secret key that one of them has made. All inputs are framed, so no two different lists of
 * items hash alike: `H(t, 'a', 'bc')` is not `H(t, 'ab', 'c')`.
 */
import { chacha20 } from '@noble/ciphers/chacha.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { shake256 } from '@noble/hashes/sha3.js'
import { uint32 } from './bytes.ts'
import { scalarFromWide, wideScalarLength, type Scalar } from './curve/scalar.ts'
import type { Tag } from './tags.ts'

/** Strings are hashed as UTF-8, numbers as unsigned 32-bit integers. */
export type HashItem = Uint8Array | string | number

export const hashLength = 32

/** 32 bytes: SHA-256 over the tag and every item, each preceded by its length as 4 bytes. */
export function H(tag: Tag, ...items: readonly HashItem[]): Uint8Array {
  const hash = sha256.create()
  for (const part of framed(tag, items)) hash.update(part)
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
  return scalarFromWide(xof(wideScalarLength, tag, ...items), 0)
}

/** `count` such scalars. */
export function hashToScalars(count: number, tag: Tag, ...items: readonly HashItem[]): readonly Scalar[] {
  const stream = xof(count * wideScalarLength, tag, ...items)
  return Array.from({ length: count }, (_, i) => scalarFromWide(stream, i * wideScalarLength))
}

/**
 * A stretching function for many rows of one session: `out` becomes ChaCha20 keystream under the key
 * SHA-256(H(tag, items) ‖ index ‖ row). The session prefix is hashed once, and for rows of 16 bytes each key is a
 * single compression. Every key is used for exactly one stream, which makes the constant nonce safe.
 */
export function rowExpander(rowLength: number, tag: Tag, ...items: readonly HashItem[]) {
  const input = new Uint8Array(hashLength + 4 + rowLength)
  input.set(H(tag, ...items))
  const inputView = new DataView(input.buffer)
  return (index: number, row: Uint8Array, out: Uint8Array): void => {
    if (row.length !== rowLength) throw new RangeError(`a row of ${row.length} bytes, not ${rowLength}`)
    inputView.setUint32(hashLength, index)
    input.set(row, hashLength + 4)
    const key = sha256(input)
    out.fill(0)
    chacha20(key, zeroNonce, out, out)
    key.fill(0)
    input.fill(0, hashLength)
  }
}

const zeroNonce = new Uint8Array(12)
const utf8 = new TextEncoder()

function* framed(tag: Tag, items: readonly HashItem[]): Generator<Uint8Array> {
  for (const item of [tag, ...items]) {
    const bytes = typeof item === 'string' ? utf8.encode(item) : typeof item === 'number' ? uint32(item) : item
    yield uint32(bytes.length)
    yield bytes
  }
}
