/** Keys and signing runs for tests, from seeded randomness. */
import { chacha20 } from '@noble/ciphers/chacha.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { createKeygen } from '../../../src/crypto/keygen/keygen.ts'
import type { KeyShare } from '../../../src/crypto/key-share.ts'
import type { Execution, Rng } from '../../../src/crypto/protocol.ts'
import { createSign } from '../../../src/crypto/sign/sign.ts'
import { resultsOf, runProtocol } from './run-protocol.ts'

const utf8 = new TextEncoder()

/** 32 bytes that depend on the text only. */
export function hashOf(text: string): Uint8Array {
  return sha256(utf8.encode(text))
}

/** A reproducible generator: one ChaCha20 key stream per call. */
export function seededRng(seed: string): Rng {
  let calls = 0
  return (length) => chacha20(hashOf(`${seed}/${calls++}`), new Uint8Array(12), new Uint8Array(length))
}

export function keygenParties(threshold: number, parties: number, label: string): Execution<KeyShare>[] {
  const sid = hashOf(`sid ${label}`)
  return Array.from({ length: parties }, (_, self) =>
    createKeygen({ sid, self, threshold, parties }, seededRng(`${label}/${self}`)),
  )
}

export function makeKey(threshold: number, parties: number, label = `${threshold}-of-${parties}`): KeyShare[] {
  return resultsOf(runProtocol(keygenParties(threshold, parties, label)))
}

export type SignOptions = Readonly<{ messageHash?: Uint8Array; label?: string; sid?: Uint8Array }>

/** One execution for every signer, in the order given. */
export function signParties(key: readonly KeyShare[], signers: readonly number[], options: SignOptions = {}) {
  const { label = `sign ${signers.join()}`, messageHash = hashOf('message'), sid = hashOf(`sid ${label}`) } = options
  return signers.map((index, self) =>
    createSign({ sid, self, signers, messageHash, share: shareOf(key, index) }, seededRng(`${label}/${self}`)),
  )
}

export function shareOf(key: readonly KeyShare[], index: number): KeyShare {
  const share = key[index]
  if (share === undefined) throw new Error(`no share ${index}`)
  return share
}
