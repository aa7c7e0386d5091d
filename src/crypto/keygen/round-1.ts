/** Key generation, round 1: choose a polynomial and broadcast a commitment to all that will be public about it. */
import { encodePoint } from '../curve/secp256k1.ts'
import { encodeMessage } from '../codec.ts'
import type { Outcome } from '../execution.ts'
import { H } from '../hash.ts'
import { randomPolynomial } from '../polynomial.ts'
import type { Rng } from '../protocol.ts'
import { prove } from '../schnorr.ts'
import { tag } from '../tags.ts'
import { round1Broadcast } from './messages.ts'
import type { AfterRound1, KeygenContext, Opening } from './state.ts'

export function round1(context: KeygenContext, rng: Rng): Outcome<AfterRound1, never> {
  const { engine, session, self, threshold } = context
  const polynomial = randomPolynomial(engine, threshold, rng)
  const contribution = polynomial.map(engine.points.multiplyBase)
  const [secret] = polynomial
  const [statement] = contribution
  if (secret === undefined || statement === undefined) throw new Error('a polynomial needs a constant term')
  const proof = prove(engine, { tag: tag.proofOfContribution, session, prover: self }, secret, statement, rng)
  const opening: Opening = { contribution, proof, chainCodeShare: rng(32), salt: rng(32) }
  const commitment = commitTo(context, self, opening)
  const broadcast = encodeMessage(round1Broadcast, { session, commitment })
  return {
    kind: 'next',
    state: { round: 1, erasable: polynomial, polynomial, opening, broadcast },
    outbound: [{ kind: 'broadcast', body: broadcast }],
  }
}

/** Binds session and party, so that a copied commitment opens for nobody else. */
export function commitTo({ session }: Pick<KeygenContext, 'session'>, party: number, opening: Opening): Uint8Array {
  const { contribution, proof, chainCodeShare, salt } = opening
  const proofItems = [encodePoint(proof.nonce), proof.response]
  return H(
    tag.keygenCommitment,
    session,
    party,
    contribution.length,
    ...contribution.map(encodePoint),
    ...proofItems,
    chainCodeShare,
    salt,
  )
}
