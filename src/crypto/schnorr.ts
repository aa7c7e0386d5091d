/**
 * Schnorr proof of knowledge of a discrete logarithm on secp256k1, made non-interactive by Fiat–Shamir. The challenge
 * covers what the proof is for (tag), the session, the prover and the statement, so a proof copied to another place,
 * session or party does not verify.
 */
import { wipe } from './bytes.ts'
import { encodePoint, equalPoints, type Point } from './curve/secp256k1.ts'
import { randomScalar, zeroScalar, type Scalar } from './curve/scalar.ts'
import type { Engine } from './engine.ts'
import { hashToScalar } from './hash.ts'
import type { Rng } from './protocol.ts'
import type { Tag } from './tags.ts'

export type Proof = Readonly<{ nonce: Point; response: Scalar }>
export type ProofContext = Readonly<{ tag: Tag; session: Uint8Array; prover: number }>

/** Proves knowledge of `secret` with `statement` = secret·G. */
export function prove(engine: Engine, context: ProofContext, secret: Scalar, statement: Point, rng: Rng): Proof {
  const { scalars, points } = engine
  const k = randomScalar(scalars, rng)
  const nonce = points.multiplyBase(k)
  const product = scalars.multiply(challenge(context, statement, nonce), secret)
  const response = scalars.add(k, product)
  wipe(k, product)
  return { nonce, response }
}

/** Whether response·G − challenge·statement = nonce. */
export function verifyProof(engine: Engine, context: ProofContext, statement: Point, proof: Proof): boolean {
  const { scalars, points } = engine
  const negative = scalars.subtract(zeroScalar(), challenge(context, statement, proof.nonce))
  return equalPoints(points.combinePublic([[negative, statement]], proof.response), proof.nonce)
}

function challenge({ tag, session, prover }: ProofContext, statement: Point, nonce: Point): Scalar {
  return hashToScalar(tag, session, prover, encodePoint(statement), encodePoint(nonce))
}
