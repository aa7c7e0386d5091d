import { blake3 } from '@noble/hashes/blake3.js'
import { expect, test } from 'vitest'
import { keyedHash } from '../../../src/crypto/symmetric/blake3.ts'
import { seededRng } from './fixtures.ts'

function words(bytes: Uint8Array, count: number): Int32Array {
  const view = new DataView(Uint8Array.from({ length: 4 * count }, (_, i) => bytes[i] ?? 0).buffer)
  return Int32Array.from({ length: count }, (_, i) => view.getInt32(4 * i, true))
}

function hashed(key: Uint8Array, message: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length + 5).fill(0xaa)
  keyedHash(new DataView(out.buffer), 2, length, words(key, 8), words(message, 16), message.length)
  expect([out[0], out[1], out[length + 2], out[length + 3], out[length + 4]]).toEqual(new Array(5).fill(0xaa))
  return out.slice(2, length + 2)
}

test('keyed BLAKE3 is that of the published test vectors', () => {
  // BLAKE3-team/BLAKE3, test_vectors.json: inputs of 0 and 1 byte, the first with its extended output.
  const key = new TextEncoder().encode('whats the Elvish word for friend')
  expect(Buffer.from(hashed(key, new Uint8Array(), 131)).toString('hex')).toBe(
    '92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26b18171a2f22a4b94822c701f107153db' +
      'a24918c4bae4d2945c20ece13387627d3b73cbf97b797d5e59948c7ef788f54372df45e45e4293c7dc18c1d41144a975' +
      '8be58960856be1eabbe22c2653190de560ca3b2ac4aa692a9210694254c371e851bc8f',
  )
  expect(Buffer.from(hashed(key, Uint8Array.of(0), 32)).toString('hex')).toBe(
    '6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b',
  )
})

test('keyed BLAKE3 is that of @noble/hashes for every input of one block, and writes nothing else', () => {
  const rng = seededRng('blake3')
  for (let length = 0; length <= 64; length++) {
    for (const bytes of [rng, (count: number) => new Uint8Array(count).fill(255)]) {
      const [key, message] = [bytes(32), bytes(length)]
      for (const dkLen of [1, 32, 63, 64, 65, 96, 200]) {
        expect(hashed(key, message, dkLen)).toEqual(blake3(message, { key, dkLen }))
      }
    }
  }
})

test('output as long as the longest list is that of @noble/hashes to its end', () => {
  const key = seededRng('blake3, long')(32)
  expect(hashed(key, new Uint8Array(), 416 * 32)).toEqual(blake3(new Uint8Array(), { key, dkLen: 416 * 32 }))
})
