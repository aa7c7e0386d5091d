/**
 * The Merkle tree over a stream of the log (RFC 9162, section 2.1): its root commits to every leaf and their order. A
 * proof of inclusion shows that a leaf is under a root; a proof of consistency, that a later root only appended.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes } from '@noble/hashes/utils.js'

/** Section 2.1.1: leaves and inner nodes hash under different prefixes, so that neither passes for the other. */
const leafPrefix = Uint8Array.of(0)
const nodePrefix = Uint8Array.of(1)

const hashLength = 32

/** MTH({}). */
export const emptyRoot: Uint8Array = sha256(new Uint8Array(0))

export function leafHash(data: Uint8Array): Uint8Array {
  return sha256(concatBytes(leafPrefix, data))
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes(nodePrefix, left, right))
}

/**
 * The right edge of a tree: the roots of its complete subtrees, largest first. All that is needed to append and to know
 * the root, in 32 bytes for each bit of the size.
 */
export type Frontier = Readonly<{ size: number; subtrees: readonly Uint8Array[] }>

export const emptyFrontier: Frontier = { size: 0, subtrees: [] }

export function appendLeaf({ size, subtrees }: Frontier, leaf: Uint8Array): Frontier {
  const next = [...subtrees]
  let hash = leaf
  for (let rest = size; isOdd(rest); rest = half(rest)) hash = nodeHash(next.pop() as Uint8Array, hash)
  next.push(hash)
  return { size: size + 1, subtrees: next }
}

export function rootOf({ subtrees }: Frontier): Uint8Array {
  return subtrees.length === 0 ? emptyRoot : subtrees.reduceRight((right, left) => nodeHash(left, right))
}

/**
 * All leaves of a stream, for proofs: 32 bytes a leaf. Those that a `base` stands for are not there: about them nothing
 * can be proved, about all later ones everything, because a path leads past complete subtrees of the base only.
 */
export class MerkleTree {
  readonly #base: Frontier
  #leaves = new Uint8Array(hashLength * 1024)
  #size: number

  constructor(base: Frontier = emptyFrontier) {
    this.#base = base
    this.#size = base.size
  }

  get size(): number {
    return this.#size
  }

  /** How many of the first leaves are not there. */
  get baseSize(): number {
    return this.#base.size
  }

  append(leaf: Uint8Array): void {
    if (leaf.length !== hashLength) throw new RangeError('a leaf hash is 32 bytes')
    const place = this.#size - this.#base.size
    if (hashLength * place === this.#leaves.length) {
      const grown = new Uint8Array(2 * this.#leaves.length)
      grown.set(this.#leaves)
      this.#leaves = grown
    }
    this.#leaves.set(leaf, hashLength * place)
    this.#size += 1
  }

  /** Of the first `size` leaves. Throws RangeError beyond the tree. */
  root(size: number = this.#size): Uint8Array {
    this.#requireSize(size)
    return size === 0 ? emptyRoot : this.#subtree(0, size)
  }

  /** PATH(index, D[size]), section 2.1.3.1, from the leaf up. Throws RangeError beyond the tree. */
  inclusionProof(index: number, size: number = this.#size): readonly Uint8Array[] {
    this.#requireSize(size)
    if (!Number.isInteger(index) || index < 0 || index >= size)
      throw new RangeError('no such leaf in a tree of this size')
    return this.#path(index, 0, size)
  }

  /** PROOF(earlier, D[later]), section 2.1.4.1. Throws RangeError unless 0 < earlier ≤ later ≤ size. */
  consistencyProof(earlier: number, later: number = this.#size): readonly Uint8Array[] {
    this.#requireSize(later)
    if (!Number.isInteger(earlier) || earlier <= 0 || earlier > later) throw new RangeError('no such earlier tree')
    return this.#subproof(earlier, 0, later, true)
  }

  #requireSize(size: number): void {
    if (!Number.isInteger(size) || size < 0 || size > this.#size) throw new RangeError('no tree of this size')
  }

  /** Root over leaves [start, start + count), count > 0. */
  #subtree(start: number, count: number): Uint8Array {
    if (start + count <= this.#base.size) return this.#baseSubtree(start, count)
    const place = start - this.#base.size
    if (count === 1) return this.#leaves.slice(hashLength * place, hashLength * (place + 1))
    const left = largestPowerBelow(count)
    return nodeHash(this.#subtree(start, left), this.#subtree(start + left, count - left))
  }

  /** Throws RangeError for what lies within a subtree of the base. */
  #baseSubtree(start: number, count: number): Uint8Array {
    let [first, rest] = [0, this.#base.size]
    for (const root of this.#base.subtrees) {
      const size = largestPowerBelow(rest + 1)
      if (first === start && size === count) return root
      ;[first, rest] = [first + size, rest - size]
    }
    if (count === 1) throw new RangeError('this leaf is not there')
    const left = largestPowerBelow(count)
    return nodeHash(this.#subtree(start, left), this.#subtree(start + left, count - left))
  }

  #path(index: number, start: number, count: number): Uint8Array[] {
    if (count === 1) return []
    const left = largestPowerBelow(count)
    return index < left
      ? [...this.#path(index, start, left), this.#subtree(start + left, count - left)]
      : [...this.#path(index - left, start + left, count - left), this.#subtree(start, left)]
  }

  #subproof(earlier: number, start: number, count: number, isWhole: boolean): Uint8Array[] {
    if (earlier === count) return isWhole ? [] : [this.#subtree(start, count)]
    const left = largestPowerBelow(count)
    return earlier <= left
      ? [...this.#subproof(earlier, start, left, isWhole), this.#subtree(start + left, count - left)]
      : [...this.#subproof(earlier - left, start + left, count - left, false), this.#subtree(start, left)]
  }
}

/** Section 2.1.3.2. */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): boolean {
  if (!Number.isInteger(index) || index < 0 || index >= size) return false
  let [position, last, hash] = [index, size - 1, leaf]
  for (const sibling of proof) {
    if (last === 0) return false
    if (isOdd(position) || position === last) {
      hash = nodeHash(sibling, hash)
      while (!isOdd(position) && position !== 0) [position, last] = [half(position), half(last)]
    } else {
      hash = nodeHash(hash, sibling)
    }
    ;[position, last] = [half(position), half(last)]
  }
  return last === 0 && equal(hash, root)
}

/** Section 2.1.4.2. */
export function verifyConsistency(
  earlier: Readonly<{ size: number; root: Uint8Array }>,
  later: Readonly<{ size: number; root: Uint8Array }>,
  proof: readonly Uint8Array[],
): boolean {
  if (earlier.size <= 0 || earlier.size > later.size) return false
  if (earlier.size === later.size) return proof.length === 0 && equal(earlier.root, later.root)
  // A complete earlier tree is a node of the later one, and the proof leaves it out.
  const isPower = largestPowerBelow(earlier.size + 1) === earlier.size
  const [first, ...rest] = isPower ? [earlier.root, ...proof] : proof
  if (first === undefined) return false
  let [position, last] = [earlier.size - 1, later.size - 1]
  while (isOdd(position)) [position, last] = [half(position), half(last)]
  let [earlierHash, laterHash] = [first, first]
  for (const node of rest) {
    if (last === 0) return false
    if (isOdd(position) || position === last) {
      earlierHash = nodeHash(node, earlierHash)
      laterHash = nodeHash(node, laterHash)
      while (!isOdd(position) && position !== 0) [position, last] = [half(position), half(last)]
    } else {
      laterHash = nodeHash(laterHash, node)
    }
    ;[position, last] = [half(position), half(last)]
  }
  return last === 0 && equal(earlierHash, earlier.root) && equal(laterHash, later.root)
}

function isOdd(value: number): boolean {
  return value % 2 === 1
}

function half(value: number): number {
  return Math.floor(value / 2)
}

/** The largest power of two below `count`, which is at least 2. */
function largestPowerBelow(count: number): number {
  let power = 1
  while (2 * power < count) power *= 2
  return power
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
