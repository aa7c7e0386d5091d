/**
 * Distributed key generation of FROST (ePrint 2020/852, figure 1) by @noble/curves, in three rounds: Pedersen's
 * protocol with a proof of knowledge of each contribution. Ours are the session in every message and in the
 * participants' identifiers, the echo of round 1, the naming of culprits, and a confirmation of the key. Any failure
 * makes everything void.
 */
import type { DKG_Round1, DKG_Secret, Identifier } from '@noble/curves/abstract/frost.js'
import { chunks, concatBytes } from '../bytes.ts'
import { encodeMessage } from '../codec.ts'
import { createExecution, type Outcome, type RoundState } from '../execution.ts'
import { H, hashLength } from '../hash.ts'
import { broadcastView, open } from '../inbound.ts'
import type { FrostKeyType } from '../key-type.ts'
import type { Execution, Inbound, Outbound, Rng } from '../protocol.ts'
import { maxParties } from '../session-id.ts'
import { tag } from '../tags.ts'
import { blameForContribution } from './blame.ts'
import { at, identifiersOf, type FrostKeyShare } from './key-share.ts'
import { confirm, makeShare } from './keygen-end.ts'
import { keygenRound1, keygenRound2Broadcast, keygenRound2Direct, type KeygenRound1 } from './messages.ts'
import { releasing, withDrawn } from './release.ts'
import { suiteOf, type Suite } from './suite.ts'

export type FrostKeygenParams = Readonly<{
  keyType: FrostKeyType
  /** From `sessionId`, 32 bytes. */
  sid: Uint8Array
  /** Own number, 0-based. */
  self: number
  /** t: how many signers will suffice. */
  threshold: number
  /** n. */
  parties: number
}>

export type KeygenContext = Readonly<{
  suite: Suite
  /** The session id with key type, t and n hashed in. */
  session: Uint8Array
  self: number
  threshold: number
  parties: number
  /** By number. */
  identifiers: readonly Identifier[]
}>

/** Every other party's round 1, by number. */
export type Contributions = ReadonlyMap<number, DKG_Round1>

type AfterRound1 = RoundState & Readonly<{ round: 1; dkg: DKG_Secret; broadcast: Uint8Array }>
export type AfterRound2 = RoundState &
  Readonly<{
    round: 2
    dkg: DKG_Secret
    contributions: Contributions
    /** Hash of all round-1 broadcasts. */
    view: Uint8Array
  }>
export type AfterRound3 = RoundState & Readonly<{ round: 3; share: FrostKeyShare; confirmation: Uint8Array }>
type State = AfterRound1 | AfterRound2 | AfterRound3

export const frostKeygenRounds = [
  { broadcast: true, direct: false },
  { broadcast: true, direct: true },
  { broadcast: true, direct: false },
]

/** One party's run. The result is secret; store it before telling anyone. @throws RangeError naming a bad parameter. */
export function createFrostKeygen(params: FrostKeygenParams, rng: Rng): Execution<FrostKeyShare> {
  const { keyType, sid, self, threshold, parties } = params
  const isBetween = (value: number, least: number, most: number) =>
    Number.isInteger(value) && value >= least && value <= most
  if (sid.length !== hashLength) throw new RangeError('frost keygen: sid must be 32 bytes')
  if (!isBetween(parties, 2, maxParties)) throw new RangeError(`frost keygen: parties must be 2 to ${maxParties}`)
  if (!isBetween(threshold, 2, parties)) throw new RangeError('frost keygen: threshold must be 2 to parties')
  if (!isBetween(self, 0, parties - 1)) throw new RangeError('frost keygen: self must be 0 to parties - 1')
  const suite = suiteOf(keyType)
  const session = frostKeygenSession({ keyType, sid, threshold, parties })
  const identifiers = identifiersOf(keyType, session, parties)
  const context: KeygenContext = { suite, session, self, threshold, parties, identifiers }
  const held: { dkg?: DKG_Secret } = {}
  const execution = createExecution<State, FrostKeyShare>({
    parties,
    self,
    rounds: frostKeygenRounds,
    begin: () => {
      const begun = round1(context, rng)
      held.dkg = begun.state.dkg
      return begun
    },
    advance: (state, inbound) => {
      switch (state.round) {
        case 1:
          return round2(context, state, inbound, rng)
        case 2:
          return makeShare(context, state, inbound)
        case 3:
          return confirm(context, state, inbound)
      }
    },
  })
  return releasing(execution, () => held.dkg && suite.frost.DKG.clean(held.dkg))
}

/** The session id with key type, t and n hashed in. */
export function frostKeygenSession({ keyType, sid, threshold, parties }: Omit<FrostKeygenParams, 'self'>): Uint8Array {
  return H(tag.frostKeygenSession, sid, keyType, threshold, parties)
}

/** f_i of degree t-1, φ_ik = a_ik·G, and a proof of knowledge of a_i0. */
function round1(context: KeygenContext, rng: Rng): Outcome<AfterRound1, never> & { kind: 'next' } {
  const { suite, session, self, threshold, parties, identifiers } = context
  const signers = { min: threshold, max: parties }
  const begun = withDrawn(rng, (drawing) =>
    suite.frost.DKG.round1(at(identifiers, self), signers, undefined, drawing),
  )
  const { commitment, proofOfKnowledge: proof } = begun.public
  const broadcast = encodeMessage(keygenRound1(threshold, suite.pointLength), {
    session,
    constantCommitment: at(commitment, 0),
    otherCommitments: concatBytes(...commitment.slice(1)),
    proof,
  })
  return {
    kind: 'next',
    state: { round: 1, erasable: [], dkg: begun.secret, broadcast },
    outbound: [{ kind: 'broadcast', body: broadcast }],
  }
}

/** Checks every proof, then sends every peer its share f_i(x_j), with the hash of all round-1 broadcasts. */
function round2(
  context: KeygenContext,
  state: AfterRound1,
  inbound: readonly Inbound[],
  rng: Rng,
): Outcome<AfterRound2, never> {
  const { suite, session, self, threshold, identifiers } = context
  const opened = open(inbound, 'broadcast', keygenRound1(threshold, suite.pointLength), session)
  if (opened.kind === 'abort') return opened
  const contributions = new Map(
    [...opened.messages].map(([from, message]) => [from, contributionOf(context, from, message)]),
  )
  let shares: Readonly<Record<Identifier, Readonly<{ signingShare: Uint8Array }>>>
  try {
    shares = suite.frost.DKG.round2(state.dkg, [...contributions.values()])
  } catch (error) {
    return blameForContribution(context, contributions, rng, error)
  }
  const view = broadcastView(session, 1, inbound, { from: self, body: state.broadcast })
  const direct = [...contributions.keys()].map((to): Outbound => {
    const share = shares[at(identifiers, to)]?.signingShare
    if (share === undefined) throw new Error(`no share for party ${to}`)
    return { kind: 'direct', to, body: encodeMessage(keygenRound2Direct, { session, share }) }
  })
  const erasable = Object.values(shares).map(({ signingShare }) => signingShare)
  return {
    kind: 'next',
    state: { round: 2, erasable, dkg: state.dkg, contributions, view },
    outbound: [{ kind: 'broadcast', body: encodeMessage(keygenRound2Broadcast, { session, view }) }, ...direct],
  }
}

/** The sender is who the channel says, never what a message says. */
export function contributionOf(
  { suite, identifiers }: Pick<KeygenContext, 'suite' | 'identifiers'>,
  from: number,
  message: KeygenRound1,
): DKG_Round1 {
  const { constantCommitment, otherCommitments, proof } = message
  const commitment = chunks(concatBytes(constantCommitment, otherCommitments), suite.pointLength)
  return { identifier: at(identifiers, from), commitment, proofOfKnowledge: Uint8Array.from(proof) }
}
