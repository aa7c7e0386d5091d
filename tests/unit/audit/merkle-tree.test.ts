import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  appendLeaf,
  emptyFrontier,
  leafHash,
  MerkleTree,
  rootOf,
  verifyConsistency,
  verifyInclusion,
  type Frontier,
} from '../../../src/audit/merkle-tree.ts'

/** The leaves of Certificate Transparency's own test vectors, and the roots of the trees over the first 1 to 8. */
const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

function treeOf(size: number): MerkleTree {
  const tree = new MerkleTree()
  for (let i = 0; i < size; i++) tree.append(leafHash(Uint8Array.of(i, i >> 8)))
  return tree
}

const damaged = (proof: readonly Uint8Array[], at: number) =>
  proof.map((node, i) => (i === at ? node.map((byte, j) => (j === 0 ? byte ^ 1 : byte)) : node))

test('roots are those of Certificate Transparency\'s vectors, from leaves and from the frontier', () => {
  const tree = new MerkleTree()
  let frontier: Frontier = emptyFrontier
  for (const [i, leaf] of leaves.entries()) {
    tree.append(leafHash(hexToBytes(leaf)))
    frontier = appendLeaf(frontier, leafHash(hexToBytes(leaf)))
    expect(bytesToHex(tree.root())).toBe(roots[i])
    expect(bytesToHex(rootOf(frontier))).toBe(roots[i])
  }
  expect(roots.map((_, i) => bytesToHex(tree.root(i + 1)))).toEqual(roots)
  expect(bytesToHex(rootOf(emptyFrontier))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})

test('frontier and tree agree at every size', () => {
  const tree = treeOf(300)
  let frontier: Frontier = emptyFrontier
  for (let i = 0; i < 300; i++) {
    frontier = appendLeaf(frontier, leafHash(Uint8Array.of(i, i >> 8)))
    expect(bytesToHex(rootOf(frontier))).toBe(bytesToHex(tree.root(i + 1)))
  }
})

const place = fc.integer({ min: 1, max: 200 }).chain((size) => fc.tuple(fc.constant(size), fc.nat({ max: size - 1 })))

describe('a proof of inclusion', () => {
  const tree = treeOf(200)

  test('holds for its leaf, place, size and root', () => {
    fc.assert(
      fc.property(place, ([size, index]) => {
        const leaf = leafHash(Uint8Array.of(index, index >> 8))
        const proof = tree.inclusionProof(index, size)
        expect(verifyInclusion(leaf, index, size, proof, tree.root(size))).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  test('holds for nothing else', () => {
    fc.assert(
      fc.property(place, fc.nat(), ([size, index], pick) => {
        const leaf = leafHash(Uint8Array.of(index, index >> 8))
        const proof = tree.inclusionProof(index, size)
        const root = tree.root(size)
        expect(verifyInclusion(leafHash(Uint8Array.of(9, 9)), index, size, proof, root)).toBe(false)
        expect(verifyInclusion(leaf, index, size, [...proof, root], root)).toBe(false)
        expect(verifyInclusion(leaf, size, size, proof, root)).toBe(false)
        if (size === 1) return
        expect(verifyInclusion(leaf, (index + 1) % size, size, proof, root)).toBe(false)
        expect(verifyInclusion(leaf, index, size, proof.slice(1), root)).toBe(false)
        expect(verifyInclusion(leaf, index, size, damaged(proof, pick % proof.length), root)).toBe(false)
      }),
      { numRuns: 300 },
    )
  })
})

describe('a proof of consistency', () => {
  const tree = treeOf(200)
  const at = (size: number) => ({ size, root: tree.root(size) })
  const sizes = fc.tuple(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 200 }))

  test('holds between any two sizes', () => {
    fc.assert(
      fc.property(sizes, ([a, b]) => {
        const [earlier, later] = [Math.min(a, b), Math.max(a, b)]
        expect(verifyConsistency(at(earlier), at(later), tree.consistencyProof(earlier, later))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('does not hold for another history', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), ([a, b], pick) => {
        const [earlier, later] = [Math.min(a, b), Math.max(a, b)]
        const proof = tree.consistencyProof(earlier, later)
        const forged = { size: earlier, root: leafHash(Uint8Array.of(7)) }
        expect(verifyConsistency(forged, at(later), proof)).toBe(false)
        expect(verifyConsistency(at(earlier), { ...at(later), root: forged.root }, proof)).toBe(false)
        expect(verifyConsistency(at(earlier), at(later), [...proof, forged.root])).toBe(false)
        if (proof.length === 0) return
        expect(verifyConsistency(at(earlier), at(later), damaged(proof, pick % proof.length))).toBe(false)
        expect(verifyConsistency(at(earlier), at(later), proof.slice(1))).toBe(false)
      }),
      { numRuns: 500 },
    )
  })
})

test('sizes and places beyond the tree are refused', () => {
  const tree = treeOf(3)
  expect(() => tree.root(4)).toThrow(RangeError)
  expect(() => tree.inclusionProof(3)).toThrow(RangeError)
  expect(() => tree.consistencyProof(0)).toThrow(RangeError)
  expect(() => tree.append(new Uint8Array(31))).toThrow(RangeError)
})

test('a tree that goes on from a frontier has the roots and the proofs of the whole one, for all that came after', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 33 }), fc.integer({ min: 1, max: 33 }), (before, more) => {
      const whole = treeOf(before + more)
      let base: Frontier = emptyFrontier
      for (let i = 0; i < before; i++) base = appendLeaf(base, leafHash(Uint8Array.of(i, i >> 8)))
      const tree = new MerkleTree(base)
      for (let i = before; i < before + more; i++) tree.append(leafHash(Uint8Array.of(i, i >> 8)))
      expect(tree.root()).toEqual(whole.root())
      for (let i = before; i < before + more; i++) expect(tree.inclusionProof(i)).toEqual(whole.inclusionProof(i))
    }),
  )
})
