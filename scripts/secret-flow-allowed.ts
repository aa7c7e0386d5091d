/** What secret-flow.ts finds and is meant: the line as it stands, and why no secret decides how long it takes. */
export type Allowance = Readonly<{ file: string; code: string; why: string }>

export const allowed: readonly Allowance[] = [
  {
    file: 'bytes.ts',
    code:
      'if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) throw new RangeError(`not a uint32: ${value}`)',
    why: 'only sizes, indices and round numbers become bytes this way',
  },
  {
    file: 'bytes.ts',
    code:
      'if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not an unsigned safe integer: ${value}`)',
    why: 'only the epoch of a key becomes bytes this way',
  },
  {
    file: 'bytes.ts',
    code: 'return concatBytes(uint32(Math.floor(value / 2 ** 32)), uint32(value % 2 ** 32))',
    why: 'only the epoch of a key becomes bytes this way',
  },
  {
    file: 'ecdsa.ts',
    code: 'import { secp256k1 } from \'@noble/curves/secp256k1.js\'',
    why: 'verifies and recovers from finished signatures: public values',
  },
  {
    file: 'ecdsa.ts',
    code: 'const s = scalars.multiply(w, invertPublic(u))',
    why: 'the sum of what all signers have broadcast',
  },
  {
    file: 'ecdsa.ts',
    code: 'const inverse = invertPublic(s)',
    why: 'a finished signature, or what the broadcasts of all signers add up to',
  },
  {
    file: 'ecdsa.ts',
    code:
      'const nonce = points.combinePublic([[scalars.multiply(r, inverse), publicPoint]], scalars.multiply(m, inverse))',
    why: 'public key, message and finished signature',
  },
  {
    file: 'polynomial.ts',
    code: 'return scalars.multiply(numerator, invertPublic(denominator))',
    why: 'made of the numbers of the signers',
  },
  {
    file: 'schnorr.ts',
    code: 'return equalPoints(points.combinePublic([[negative, statement]], proof.response), proof.nonce)',
    why: 'statement, challenge and response of a proof that everyone gets',
  },
  {
    file: 'frost/suite.ts',
    code: 'import { ed25519, ed25519_FROST } from \'@noble/curves/ed25519.js\'',
    why: 'the library that all of FROST is left to; its calls with secrets are below',
  },
  {
    file: 'frost/suite.ts',
    code: 'import { schnorr, schnorr_FROST, secp256k1 } from \'@noble/curves/secp256k1.js\'',
    why: 'likewise',
  },
  {
    file: 'frost/suite.ts',
    code: 'return succeeds(() => frost.utils.Fn.isValid(frost.utils.Fn.fromBytes(bytes)))',
    why: 'compares a share that was received or stored with the order: whether it is below is what the party tells',
  },
  {
    file: 'frost/keygen.ts',
    code: 'suite.frost.DKG.round1(at(identifiers, self), signers, undefined, drawing),',
    why: 'noble’s BigInt, whose time has something of polynomial and proof, once in the life of a key (docs/security.md)',
  },
  {
    file: 'frost/keygen.ts',
    code: 'shares = suite.frost.DKG.round2(state.dkg, [...contributions.values()])',
    why: 'noble’s BigInt, whose time has something of the polynomial, once in the life of a key (docs/security.md)',
  },
  {
    file: 'frost/keygen.ts',
    code: 'return releasing(execution, () => held.dkg && suite.frost.DKG.clean(held.dkg))',
    why: 'overwrites what noble holds',
  },
  {
    file: 'frost/keygen-end.ts',
    code: 'const key = suite.frost.DKG.round3(state.dkg, [...state.contributions.values()], [...shares.values()])',
    why: 'noble’s BigInt, whose time has something of the shares, once in the life of a key (docs/security.md)',
  },
  {
    file: 'frost/blame.ts',
    code: 'suite.frost.validateSecret(secret, { signers, commitments, verifyingShares: {} })',
    why: 'noble’s BigInt, on a share of a key generation that has failed: void already',
  },
  {
    file: 'frost/key-share-codec.ts',
    code: 'suite.frost.validateSecret(secret, publicPackage)',
    why: 'noble’s BigInt, whose time has something of the stored share, each time that it is read (docs/security.md)',
  },
  {
    file: 'frost/nonce.ts',
    code: 'const { nonces, commitments } = withDrawn(rng, (drawing) => frost.commit(secret, drawing))',
    why: 'noble’s BigInt, whose time has something of nonces, each used once (docs/security.md)',
  },
  {
    file: 'frost/nonce.ts',
    code: 'return frost.signShare(secret, publicPackage, unused, list, message)',
    why:
      'noble’s BigInt, whose time has something of nonces and the share, in one sum of products for each signature (docs/security.md)',
  },
  {
    file: 'frost/sign-end.ts',
    code: 'const signature = suite.frost.aggregate(key.public, [...state.list], message, shares)',
    why: 'adds up signature shares that every signer has broadcast',
  },
  {
    file: 'frost/spectator.ts',
    code:
      'const addsUp = succeeds(() => equalBytes(suite.frost.aggregate(known, list, message, responses), signature))',
    why: 'what everybody has seen',
  },
  {
    file: 'frost/joint-key.ts',
    code: 'import { ed25519 } from \'@noble/curves/ed25519.js\'',
    why: 'for commitments, which are public, as everything in this file',
  },
  {
    file: 'frost/joint-key.ts',
    code: 'import { schnorr, secp256k1 } from \'@noble/curves/secp256k1.js\'',
    why: 'likewise',
  },
  {
    file: 'frost/joint-key.ts',
    code: 'import { bytesToNumberBE } from \'@noble/curves/utils.js\'',
    why: 'likewise',
  },
  {
    file: 'frost/joint-key.ts',
    code: 'multiplyUnsafe(k: bigint): P',
    why: 'likewise',
  },
  {
    file: 'frost/joint-key.ts',
    code: 'positions: readonly bigint[],',
    why: 'the x of the parties are public',
  },
  {
    file: 'frost/joint-key.ts',
    code: 'commitments.reduceRight((sum, commitment) => sum.multiplyUnsafe(x).add(commitment), ZERO),',
    why: 'commitments at the x of a party: public',
  },
  {
    file: 'frost/joint-key.ts',
    code:
      'const even = at(commitments, 0).y % 2n === 0n ? commitments : commitments.map((commitment) => commitment.negate())',
    why: 'the joint point is public',
  },
  {
    file: 'frost/joint-key.ts',
    code: 'return [internal.add(secp256k1.Point.BASE.multiplyUnsafe(tweak)), ...even.slice(1)]',
    why: 'the tweak is a hash of the public key',
  },
  {
    file: 'limbs/engine.ts',
    code: 'into(newPoint(), (out) => combineLimbPointsPublic(out, terms, ofBase)),',
    why: 'its callers stand in this list',
  },
  {
    file: 'sign/spectator.ts',
    code: 'const sum = multiply(w, invertPublic(u))',
    why: 'a spectator knows nothing secret',
  },
  {
    file: 'rvole.ts',
    code: 'return equalBytes(expected, mu) ? rows.weightedSums(g) : undefined',
    why: 'whether the peer passed the check is what the party tells',
  },
  {
    file: 'rvole.ts',
    code: 'return [shortScalar(hash.subarray(0, shortLength)), shortScalar(hash.subarray(shortLength))]',
    why: 'two halves of a hash of what was sent',
  },
  {
    file: 'rvole.ts',
    code: 'if (!isOpening(engine, received, theta, points)) return undefined',
    why: 'what the peer sent, and hashes of it',
  },
  {
    file: 'rvole.ts',
    code: 'return isIdentity(add(mask, combinePublic([[theta[0], points[0]], [theta[1], points[1]]], negative)))',
    why: 'likewise',
  },
  {
    file: 'curve/ristretto255.ts',
    code:
      'if (isAllZero(scalar)) throw new Error(\'the random number generator returned zero modulo the group order\')',
    why: '2^-252, and the run ends; the sum looked at all bytes',
  },
  {
    file: 'curve/ristretto255.ts',
    code: 'if (bytes.length !== elementLength || isAllZero(bytes)) return undefined',
    why: 'what was received',
  },
  {
    file: 'curve/ristretto255.ts',
    code: 'return decode(point, bytes) ? { point, bytes } : undefined',
    why: 'whether a received element decodes is what the party tells',
  },
  {
    file: 'curve/scalar.ts',
    code: 'return byteAt(packed, offset) !== 0xff || borrow(packed, offset, order) === 1',
    why: 'τ, which is masked, and refused only where the sender cheats',
  },
  {
    file: 'curve/scalar.ts',
    code:
      'if (isAllZero(scalar)) throw new Error(\'the random number generator returned zero modulo the group order\')',
    why: '2^-256, and the run ends; the sum looked at all bytes',
  },
  {
    file: 'curve/secp256k1.ts',
    code: 'return known.get(point) ?? prepared(point)',
    why: 'whether a point was encoded before, not what it is',
  },
  {
    file: 'curve/secp256k1.ts',
    code: 'return known.get(point)!',
    why: 'a point is looked up by which object it is, not by its value',
  },
  {
    file: 'curve/secp256k1.ts',
    code: 'if (bytes.length !== pointLength || (prefix !== 2 && prefix !== 3)) return undefined',
    why: 'a received encoding',
  },
  {
    file: 'curve/secp256k1.ts',
    code: 'if (points.some(isIdentity)) throw new Error(\'the point at infinity has no encoding\')',
    why: '2^-256, and the run ends',
  },
  {
    file: 'curve/secp256k1.ts',
    code: 'return equalBytes(again, bytes) ? out : undefined',
    why: 'a received encoding',
  },
  {
    file: 'curve/secp256k1.ts',
    code: 'if (!hasSquare(y, expected)) return undefined',
    why: 'a received encoding',
  },
  {
    file: 'curve/secp256k1.ts',
    code: 'if (bytes.length !== uncompressedLength || bytes[0] !== 4) return undefined',
    why: 'a received encoding',
  },
  {
    file: 'curve/secp256k1.ts',
    code: 'if (x === undefined || y === undefined || !hasSquare(y, curveSide(x))) return undefined',
    why: 'a received encoding',
  },
  {
    file: 'curve/secp256k1.ts',
    code: 'if (parity(y) !== (prefix & 1)) scale(y, y, -1)',
    why: 'a received encoding',
  },
  {
    file: 'limbs/engine.ts',
    code: 'if (negateB) negateCached(cached)',
    why: 'which operation was called',
  },
  {
    file: 'ot/extension.ts',
    code: 'if (consistent) return kept',
    why: 'whether the peer passed the check is what the party tells',
  },
  {
    file: 'limbs/mod-q/rvole.ts',
    code: 'if (this.#rows === null) throw new Error(\'the rows were erased\')',
    why: 'whether they are still there, not what they are',
  },
  {
    file: 'limbs/mod-q/rvole.ts',
    code: 'if (this.#rows === null) return',
    why: 'likewise',
  },
  {
    file: 'limbs/mod-q/rvole.ts',
    code: 'const eta = correction && toLimbs(correction.eta)',
    why: 'whether the caller is Alice or Bob',
  },
  {
    file: 'limbs/ristretto255/encoding.ts',
    code: 'if (isNegative(s) === 1 || again.some((byte, i) => byte !== bytes[i])) return false',
    why: 'a received encoding',
  },
  {
    file: 'limbs/ristretto255/encoding.ts',
    code: 'return wasSquare === 1 && isNegative(out.t) === 0 && isZero(out.y) === 0',
    why: 'a received encoding',
  },
  {
    file: 'limbs/ristretto255/points.ts',
    code: 'if (withT) multiply(out.t, t3, t6)',
    why: 'which operation was called',
  },
  {
    file: 'limbs/secp256k1/points.ts',
    code: 'return sameX && sameY && isIdentityPoint(p) === isIdentityPoint(q)',
    why: 'all three were computed; equality decides whether the run goes on, which the party tells',
  },
  {
    file: 'limbs/ristretto255/constants.ts',
    code: 'return Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16))',
    why: 'constants of the RFC',
  },
  {
    file: 'limbs/secp256k1/bytes.ts',
    code: 'readElement(out, Uint8Array.from({ length: 32 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16)))',
    why: 'the generator',
  },
  {
    file: 'limbs/ristretto255/scalars.ts',
    code: 'const excess = Math.min(Math.floor(limbs[11]! * unit), most)',
    why: '0 for all but one in 2^100 inputs',
  },
  {
    file: 'hash.ts',
    code: 'if (rowLength % 4 !== 0 || rowWords >= blockWords) throw new RangeError(`rows of ${rowLength} bytes`)',
    why: 'the length of rows',
  },
  {
    file: 'hash.ts',
    code: 'for (let index = 0; index < count; index++) {',
    why: 'how many rows there are',
  },
  {
    file: 'hash.ts',
    code: 'for (let i = 0, from = index * rowLength; i < rowWords; i++, from += 4) {',
    why: 'the length of rows',
  },
  {
    file: 'hash.ts',
    code:
      'const bytes = typeof item === \'string\' ? utf8.encode(item) : typeof item === \'number\' ? uint32(item) : item',
    why: 'what kind of item is hashed, not its value',
  },
  {
    file: 'polynomial.ts',
    code: 'if (other === index) continue',
    why: 'numbers of parties',
  },
  {
    file: 'polynomial.ts',
    code: 'for (let bit = 31 - Math.clz32(x); bit >= 0; bit--) {',
    why: "x is a party's evaluation point",
  },
  {
    file: 'polynomial.ts',
    code: 'if ((x >>> bit) & 1) sum = points.add(sum, point)',
    why: "x is a party's evaluation point",
  },
  {
    file: 'ot/consistency.ts',
    code: 'folded[to] = folded[to]! ^ sums[sum]!',
    why: 'four bits of χ, which both know, say which sum',
  },
  {
    file: 'ot/consistency.ts',
    code: 'folded[to + 1] = folded[to + 1]! ^ sums[sum + 1]!',
    why: 'likewise',
  },
  {
    file: 'ot/consistency.ts',
    code: 'folded[to + 2] = folded[to + 2]! ^ sums[sum + 2]!',
    why: 'likewise',
  },
  {
    file: 'ot/consistency.ts',
    code: 'folded[to + 3] = folded[to + 3]! ^ sums[sum + 3]!',
    why: 'likewise',
  },
  {
    file: 'limbs/ristretto255/bytes.ts',
    code: 'const masks = widths.map((width) => 2 ** width - 1)',
    why: 'constants: bits of a limb',
  },
  {
    file: 'limbs/ristretto255/bytes.ts',
    code: 'const scales = Float64Array.from(weights, (weight) => 2 ** -weight)',
    why: 'constants: weights of the limbs',
  },
  {
    file: 'limbs/ristretto255/bytes.ts',
    code: 'out[i] = ((window >>> (bit & 7)) & masks[i]!) * 2 ** bit',
    why: 'the exponent is the weight of a limb',
  },
  {
    file: 'limbs/ristretto255/bytes.ts',
    code: 'for (; bits >= 8; bits -= 8) {',
    why: 'counts bits by the widths of the limbs',
  },
]
