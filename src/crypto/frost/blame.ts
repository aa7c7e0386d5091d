/**
 * Who made a FROST key generation fail. noble throws without a name, so what it refused as a whole is looked at again
 * party by party, with its own checks. Costs time on failure only.
 */
import type { DKG_Round2 } from '@noble/curves/abstract/frost.js'
import { abort } from '../execution.ts'
import { messageOf, offenders } from '../inbound.ts'
import type { Abort, Rng } from '../protocol.ts'
import { at } from './key-share.ts'
import type { Contributions, KeygenContext } from './keygen.ts'
import { withDrawn } from './release.ts'
import { isScalar, succeeds } from './suite.ts'

/** Round 1: points that are none, else proofs that do not hold. @throws `error` where no contribution is wrong. */
export function blameForContribution(
  context: KeygenContext,
  contributions: Contributions,
  rng: Rng,
  error: unknown,
): Abort {
  const malformed = offenders(contributions, ({ commitment }) => commitment.every(context.suite.isPoint))
  if (malformed.length > 0) return abort('malformed-message', malformed)
  const unproven = unprovenContributions(context, contributions, rng)
  if (unproven.length === 0) throw error
  return abort('proof-invalid', unproven)
}

/**
 * noble takes a round's contributions all together and checks every point of all of them. The proof is about the first
 * point only, so each is looked at alone, as if it came from the other party of a 2-of-2 key: the cheapest that noble
 * accepts. The second point is one of our own.
 */
export function unprovenContributions(
  { suite, self, identifiers }: Omit<KeygenContext, 'session'>,
  contributions: Contributions,
  rng: Rng,
): readonly number[] {
  const { DKG } = suite.frost
  const signers = { min: 2, max: 2 }
  const probe = withDrawn(rng, (drawing) => DKG.round1(at(identifiers, self), signers, undefined, drawing))
  const filler = at(probe.public.commitment, 1)
  const unproven = offenders(contributions, (contribution) =>
    succeeds(() => {
      const alone = { ...contribution, commitment: [at(contribution.commitment, 0), filler] }
      DKG.round2({ ...probe.secret }, [alone]) // a copy: noble keeps what it has accepted
      return true
    }),
  )
  DKG.clean(probe.secret)
  return unproven
}

/** Round 2: shares that are no scalars, else shares that do not fit their sender's commitments, else the key itself. */
export function blameForShares(
  { suite, self, threshold, parties, identifiers }: KeygenContext,
  contributions: Contributions,
  shares: ReadonlyMap<number, DKG_Round2>,
): Abort {
  const malformed = offenders(shares, ({ signingShare }) => isScalar(suite, signingShare))
  if (malformed.length > 0) return abort('malformed-message', malformed)
  const signers = { min: threshold, max: parties }
  const wrong = offenders(shares, ({ signingShare }, from) =>
    succeeds(() => {
      const commitments = messageOf(contributions, from).commitment
      const secret = { identifier: at(identifiers, self), signingShare }
      suite.frost.validateSecret(secret, { signers, commitments, verifyingShares: {} })
      return true
    }),
  )
  // What is left is a sum that is the identity, or a tweak that is no scalar: nobody can be named.
  return wrong.length > 0 ? abort('share-invalid', wrong) : abort('public-key-invalid', [])
}
