import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { recoverPublicKey, verifySignature } from '../../../src/crypto/ecdsa.ts'
import { verifyIdentity } from '../../../src/identity/identity-key.ts'

type Vector = Readonly<{ tcId: number; comment: string; msg: string; sig: string; result: 'valid' | 'invalid' }>
type Group = Readonly<{ publicKey: Readonly<{ uncompressed?: string; pk?: string }>; tests: readonly Vector[] }>

const halfOrder = BigInt('0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0')
const order = 2n * halfOrder + 1n

function vectors(file: string): readonly Readonly<{ group: Group; vector: Vector }>[] {
  const path = new URL(`../../vectors/wycheproof/${file}`, import.meta.url)
  const { testGroups } = JSON.parse(readFileSync(path, 'utf8')) as Readonly<{ testGroups: readonly Group[] }>
  return testGroups.flatMap((group) => group.tests.map((vector) => ({ group, vector })))
}

function bytesOf(hex: string | undefined): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(hex ?? '', 'hex'))
}

const bigintOf = (bytes: Uint8Array) => BigInt(`0x0${Buffer.from(bytes).toString('hex')}`)

function bytes32(value: bigint): Uint8Array {
  return bytesOf(value.toString(16).padStart(64, '0'))
}

/** SEC 1 section 2.3.3, from the 65-byte form. */
function compressed(point: Uint8Array): Uint8Array {
  return Uint8Array.of(2 + ((point[64] ?? 0) & 1), ...point.subarray(1, 33))
}

test.each(['sha256', 'sha512'])('ECDSA verification agrees with Wycheproof on every %s vector', (hash) => {
  const all = vectors(`ecdsa_secp256k1_${hash}_p1363_test.json`)
  let [valid, high] = [0, 0]
  for (const { group, vector } of all) {
    const publicKey = compressed(bytesOf(group.publicKey.uncompressed))
    // SEC 1 section 4.1.3, step 5: the leftmost 256 bits.
    const messageHash = Uint8Array.from(createHash(hash).update(bytesOf(vector.msg)).digest().subarray(0, 32))
    const signature = bytesOf(vector.sig)
    const [r, s] = [signature.subarray(0, 32), signature.subarray(32)]
    const isHigh = s.length === 32 && bigintOf(s) > halfOrder
    const expected = vector.result === 'valid' && !isHigh
    expect.soft(verifySignature({ r, s }, messageHash, publicKey), `${vector.tcId} ${vector.comment}`).toBe(expected)
    if (vector.result !== 'valid') continue
    valid += 1
    // The other half of a valid signature whose s is high, which we refuse, is the low one, which we accept.
    const low = isHigh ? bytes32(order - bigintOf(s)) : s
    if (isHigh) high += 1
    expect.soft(verifySignature({ r, s: low }, messageHash, publicKey), `${vector.tcId}, low s`).toBe(true)
    const recovered = [0, 1, 2, 3].map((recoveryId) => recoverPublicKey({ r, s: low, recoveryId }, messageHash))
    expect.soft(recovered, `${vector.tcId}, recovery`).toContainEqual(publicKey)
  }
  expect(all.length).toBeGreaterThan(250)
  expect(high).toBeGreaterThan(0)
  console.log(`${all.length} ${hash} vectors, ${valid} of them valid, ${high} of those with high s`)
})

test('identity signatures agree with Wycheproof on every Ed25519 vector', async () => {
  const all = vectors('ed25519_test.json')
  for (const { group, vector } of all) {
    const verdict = await verifyIdentity(bytesOf(group.publicKey.pk), bytesOf(vector.msg), bytesOf(vector.sig))
    expect.soft(verdict, `${vector.tcId} ${vector.comment}`).toBe(vector.result === 'valid')
  }
  expect(all.length).toBeGreaterThan(100)
})
