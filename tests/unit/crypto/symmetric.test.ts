import { chacha20 } from '@noble/ciphers/chacha.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { expect, test } from 'vitest'
import { expandKey } from '../../../src/crypto/symmetric/chacha20.ts'
import { compress, initialState } from '../../../src/crypto/symmetric/sha256.ts'
import { seededRng } from './fixtures.ts'

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** Padding as in FIPS 180-4, section 5.1.1. */
function digest(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(64 * Math.ceil((message.length + 9) / 64))
  padded.set(message)
  padded[message.length] = 0x80
  const view = new DataView(padded.buffer)
  view.setUint32(padded.length - 4, 8 * message.length)
  const state = Int32Array.from(initialState)
  for (let at = 0; at < padded.length; at += 64) compress(state, view, at)
  const out = new DataView(new ArrayBuffer(32))
  state.forEach((word, i) => out.setInt32(4 * i, word))
  return new Uint8Array(out.buffer)
}

function keystream(key: Uint8Array, length: number): Uint8Array {
  const view = new DataView(key.buffer, key.byteOffset)
  const words = Int32Array.from({ length: 8 }, (_, i) => view.getInt32(4 * i, true))
  const out = new Uint8Array(length + 5).fill(0xaa)
  expandKey(new DataView(out.buffer), 2, length, words)
  expect([out[0], out[1], out[length + 2], out[length + 3], out[length + 4]]).toEqual(new Array(5).fill(0xaa))
  return out.slice(2, length + 2)
}

test('SHA-256 is that of FIPS 180-4', () => {
  expect(hexOf(digest(new TextEncoder().encode('abc')))).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  )
})

test('SHA-256 is that of @noble/hashes for every length around block borders', () => {
  const rng = seededRng('sha256')
  for (let length = 0; length <= 260; length++) {
    for (const message of [rng(length), new Uint8Array(length).fill(255)]) {
      expect(digest(message)).toEqual(sha256(message))
    }
  }
})

test('ChaCha20 is that of RFC 8439, appendix A.1, test vector 1', () => {
  expect(hexOf(keystream(new Uint8Array(32), 64))).toBe(
    '76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7' +
      'da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586',
  )
})

test('ChaCha20 is that of @noble/ciphers for every length, and writes nothing else', () => {
  const rng = seededRng('chacha20')
  for (let length = 0; length <= 260; length++) {
    for (const key of [rng(32), new Uint8Array(32).fill(255)]) {
      expect(keystream(key, length)).toEqual(chacha20(key, new Uint8Array(12), new Uint8Array(length)))
    }
  }
})
