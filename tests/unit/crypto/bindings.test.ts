/**
 * What every hash of a key generation and of a signature is bound to. All calls of the random oracles are recorded, and
 * each is held against a table: a session, pair, role, instance or branch that is left out of a hash shows here.
 */
import { bytesToHex } from '@noble/hashes/utils.js'
import { expect, test, vi } from 'vitest'
import { tag } from '../../../src/crypto/tags.ts'
import type { HashItem } from '../../../src/crypto/hash.ts'
import { makeKey, signParties } from './fixtures.ts'
import { resultsOf, runProtocol } from './run-protocol.ts'

type Call = Readonly<{ tag: string; items: readonly HashItem[] }>
const calls: Call[] = []
/** By output in hex: the tag that it came from. */
const origins = new Map<string, string>()

vi.mock('../../../src/crypto/hash.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../../src/crypto/hash.ts')>()
  /** Records tag and items, which follow `skipped` other arguments. */
  const recorded = <F extends (...args: never[]) => unknown>(oracle: F, skipped: number): F => {
    return ((...args: never[]) => {
      const [name, ...items] = args.slice(skipped) as unknown as [string, ...HashItem[]]
      calls.push({ tag: name, items: items.map((item) => (item instanceof Uint8Array ? item.slice() : item)) })
      const output = oracle(...args)
      if (output instanceof Uint8Array) origins.set(bytesToHex(output), name)
      return output
    }) as F
  }
  return {
    ...original,
    H: recorded(original.H, 0),
    longHash: recorded(original.longHash, 1),
    xof: recorded(original.xof, 1),
    hashToScalar: recorded(original.hashToScalar, 0),
    stretch: recorded(original.stretch, 1),
    hashRows: recorded(original.hashRows, 3),
  }
})

type TagName = keyof typeof tag
/** A number, opaque bytes of a length, the output of another hash, or a list of bytes and numbers to the end. */
type Item = 'number' | number | TagName | readonly TagName[] | '...'

const [keygen, sign] = ['keygenSession', 'signSession'] as const
const extension = ['bootstrapPair', 'rvolePair'] as const

const table: Readonly<Partial<Record<TagName, readonly Item[]>>> = {
  keygenSession: [32, 'number', 'number'],
  keygenCommitment: [keygen, 'number', 'number', 33, 33, 33, 32, 32, 32],
  keygenConfirmation: [keygen, 33, 33, 33, 'chainCode', '...'],
  chainCode: [keygen, 32, 32, 32],
  zeroShareSeed: [keygen, 'number', 'number', 32, 32],
  pairConfirmation: [keygen, 'number', 'number', 'zeroShareSeed', 32, '...'],
  proofOfContribution: [keygen, 'number', 33, 33],
  proofOfShare: [keygen, 'number', 33, 33],
  baseOtPair: [keygen, 'number', 'number'],
  baseOtPoint: ['baseOtPair', 'number', 'number', 32],
  baseOtKey: ['baseOtPair', 'number', 'number', 32],
  bootstrapPair: [keygen, 'number', 'number'],
  otColumnKey: [extension],
  otMatrix: [extension, '...'],
  otChallenge: ['otMatrix'],
  otRow: ['bootstrapPair'],
  rvolePair: [sign, 'number', 'number'],
  rvoleGadget: ['rvolePair'],
  rvoleTransfer: ['rvolePair'],
  rvoleTau: ['rvolePair', 39_936],
  rvoleTheta: ['rvolePair', 'rvoleTau', 33, 33, 33],
  rvoleCheck: ['rvolePair', 13_312],
  signSession: [32, 33, 32, 'number', 'number', 'number'],
  signCommitment: [sign, 'number', 33, 32],
  signNonces: [sign, 33, 33, 33, 33],
  zeroShare: [sign, 'zeroShareSeed'],
  broadcastView: [[keygen, sign], 'number', '...'],
}

const nameOf = new Map(Object.entries(tag).map(([name, value]) => [value as string, name as TagName]))

function fits(expected: Item, item: HashItem | undefined): boolean {
  if (expected === '...') return true
  if (expected === 'number') return typeof item === 'number'
  if (!(item instanceof Uint8Array)) return false
  if (typeof expected === 'number') return item.length === expected
  const origin = nameOf.get(origins.get(bytesToHex(item)) ?? '')
  return origin !== undefined && (typeof expected === 'string' ? [expected] : expected).includes(origin)
}

test('every hash of a key and of a signature has the inputs that bind it', () => {
  const key = makeKey(2, 3)
  resultsOf(runProtocol(signParties(key, [2, 0])))
  expect(new Set(calls.map((call) => nameOf.get(call.tag)))).toEqual(new Set(Object.keys(table)))
  for (const call of calls) {
    const name = nameOf.get(call.tag)
    const items = name === undefined ? [] : (table[name] ?? [])
    const isOpen = items.at(-1) === '...'
    const unfit = items.findIndex((item, i) => !fits(item, call.items[i]))
    expect(unfit, `item ${unfit} of ${call.tag}`).toBe(-1)
    expect(isOpen ? items.length - 1 : call.items.length, call.tag).toBeLessThanOrEqual(items.length)
  }
  const distinct = (name: TagName) => {
    const ofTag = calls.filter((call) => call.tag === tag[name])
    return new Set(
      ofTag.map(({ items }) => items.map((item) => (item instanceof Uint8Array ? bytesToHex(item) : item)).join()),
    ).size
  }
  expect(distinct('baseOtPair')).toBe(3) // pairs of three parties
  expect(distinct('bootstrapPair')).toBe(3)
  expect(distinct('rvolePair')).toBe(2) // both directions between two signers
  // Of every pair, instance and branch: the receiver's element is hashed for its own branch, the sender hashes both.
  expect(distinct('baseOtPoint')).toBe(3 * 128 * 2)
  expect(distinct('baseOtKey')).toBe(3 * 128 * 2)
  expect(distinct('proofOfContribution')).toBe(3)
  expect(distinct('keygenCommitment')).toBe(3)
  for (const oracle of [tag.baseOtPoint, tag.baseOtKey]) {
    const numbers = calls.filter((call) => call.tag === oracle).map(({ items }) => `${items[1]} ${items[2]}`)
    expect(new Set(numbers).size).toBe(256) // instance and branch
  }
})
