/** Key generation of FROST, rounds 3 and after: check the shares, make the key, and agree on it. */
import type { DKG_Round2, Key } from '@noble/curves/abstract/frost.js'
import { equalBytes } from '../bytes.ts'
import { encodeMessage } from '../codec.ts'
import { abort, type Outcome } from '../execution.ts'
import { H } from '../hash.ts'
import { open, sameView } from '../inbound.ts'
import type { Inbound } from '../protocol.ts'
import { tag } from '../tags.ts'
import { blameForShares } from './blame.ts'
import { at, type FrostKeyShare } from './key-share.ts'
import type { AfterRound2, AfterRound3, KeygenContext } from './keygen.ts'
import { keygenRound2Broadcast, keygenRound2Direct, keygenRound3 } from './messages.ts'

/** Round 3: f_j(x_i)·G = Σ_k x_i^k·φ_jk for every peer j; s_i = Σ_j f_j(x_i). Broadcasts a hash of the whole key. */
export function makeShare(
  context: KeygenContext,
  state: AfterRound2,
  inbound: readonly Inbound[],
): Outcome<AfterRound3, never> {
  const { suite, session, identifiers } = context
  const opened = open(inbound, 'broadcast', keygenRound2Broadcast, session)
  if (opened.kind === 'abort') return opened
  const direct = open(inbound, 'direct', keygenRound2Direct, session)
  if (direct.kind === 'abort') return direct
  // Views first: a share that does not fit may be meant for the contribution that its sender has shown to others.
  if (!sameView(opened.messages.values(), state.view)) return abort('view-mismatch', [])
  const shares = new Map<number, DKG_Round2>()
  for (const [from, { share }] of direct.messages) {
    shares.set(from, { identifier: at(identifiers, from), signingShare: Uint8Array.from(share) })
  }
  const received = [...shares.values()].map(({ signingShare }) => signingShare)
  try {
    const key = suite.frost.DKG.round3(state.dkg, [...state.contributions.values()], [...shares.values()])
    const share = shareOf(context, key)
    if (![...share.commitments, ...share.publicShares].every(suite.isPoint)) return abort('public-key-invalid', [])
    const confirmation = confirmationOf(share)
    return {
      kind: 'next',
      state: { round: 3, erasable: [share.secretShare], share, confirmation },
      outbound: [{ kind: 'broadcast', body: encodeMessage(keygenRound3, { session, confirmation }) }],
    }
  } catch {
    return blameForShares(context, state.contributions, shares)
  } finally {
    for (const secret of received) secret.fill(0)
  }
}

/** The end: the share exists only when every party confirmed the same key. */
export function confirm(
  { session }: KeygenContext,
  { share, confirmation }: AfterRound3,
  inbound: readonly Inbound[],
): Outcome<never, FrostKeyShare> {
  const opened = open(inbound, 'broadcast', keygenRound3, session)
  if (opened.kind === 'abort') return opened
  // A party may confirm something else because it lies or because others lied to it: nobody can be named.
  const equal = [...opened.messages.values()].every((message) => equalBytes(message.confirmation, confirmation))
  return equal ? { kind: 'done', result: share } : abort('confirmation-mismatch', [])
}

function shareOf({ suite, session, self, threshold, parties, identifiers }: KeygenContext, key: Key): FrostKeyShare {
  const { commitments, verifyingShares } = key.public
  return {
    keyType: suite.keyType,
    index: self,
    threshold,
    parties,
    session,
    secretShare: key.secret.signingShare,
    commitments,
    publicShares: identifiers.map((identifier) => {
      const publicShare = verifyingShares[identifier]
      if (publicShare === undefined) throw new Error('a participant has no public share')
      return publicShare
    }),
    publicKey: suite.publicKeyOf(at(commitments, 0)),
  }
}

/** What every party broadcasts at the end: a hash of the whole public key package. */
export function confirmationOf({
  session,
  publicKey,
  commitments,
  publicShares,
}: Pick<FrostKeyShare, 'session' | 'publicKey' | 'commitments' | 'publicShares'>): Uint8Array {
  return H(tag.frostConfirmation, session, publicKey, ...commitments, ...publicShares)
}
