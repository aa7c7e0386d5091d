/**
 * Schnorr proof of knowledge of a discrete logarithm on secp256k1, made non-interactive by Fiat–Shamir. The challenge
 * covers what the proof is for (tag), the session, the prover and the statement, so a proof copied to another place,
 * session or party does not verify.
 */
import {
  addPoints,
  encodePoint,
  equalPoints,
  multiplyBase,
  multiplyBasePublic,
  multiplyPublic,
  type Point,
} from './curve/secp256k1.ts'
import { addScalars, multiplyScalars, randomScalar, type Scalar } from './curve/scalar.ts'
import { hashToScalar } from './hash.ts'
import type { Rng } from './protocol.ts'
import type { Tag } from './tags.ts'

export type Proof = Readonly<{ nonce: Point; response: Scalar }>
export type ProofContext = Readonly<{ tag: Tag; session: Uint8Array; prover: number }>

/** Proves knowledge of `secret` with `statement` = secret·G. */
export function prove(context: ProofContext, secret: Scalar, statement: Point, rng: Rng): Proof {
  const k = randomScalar(rng)
  const nonce = multiplyBase(k)
  const response = addScalars(k, multiplyScalars(challenge(context, statement, nonce), secret))
  return { nonce, response }
}

/** Whether response·G = nonce + challenge·statement. All inputs are public, hence the variable-time multiplications. */
export function verifyProof(context: ProofContext, statement: Point, proof: Proof): boolean {
  const e = challenge(context, statement, proof.nonce)
  return equalPoints(multiplyBasePublic(proof.response), addPoints(proof.nonce, multiplyPublic(statement, e)))
}

function challenge({ tag, session, prover }: ProofContext, statement: Point, nonce: Point): Scalar {
  return hashToScalar(tag, session, prover, encodePoint(statement), encodePoint(nonce))
}
