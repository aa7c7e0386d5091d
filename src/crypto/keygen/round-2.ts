/** Key generation, round 2: open the commitment; send every peer its share and start the pair's setup. */
import { wipe } from '../bytes.ts'
import { encodeMessage } from '../codec.ts'
import type { Outcome } from '../execution.ts'
import { broadcastView, open } from '../inbound.ts'
import { startReceiver, startSender } from '../ot/base-ot.ts'
import { evaluate, evaluationPoint, type Polynomial } from '../polynomial.ts'
import type { Inbound, Outbound, Rng } from '../protocol.ts'
import { round1Broadcast, round2Broadcast, round2FromBaseReceiver, round2FromBaseSender } from './messages.ts'
import { baseOtSession } from './pair.ts'
import { baseOtRole } from './roles.ts'
import type { AfterRound1, AfterRound2, KeygenContext, PairStart } from './state.ts'

export function round2(
  context: KeygenContext,
  state: AfterRound1,
  inbound: readonly Inbound[],
  rng: Rng,
): Outcome<AfterRound2, never> {
  const { engine, session, self, threshold } = context
  const opened = open(inbound, 'broadcast', round1Broadcast, session)
  if (opened.kind === 'abort') return opened

  const { opening, polynomial } = state
  const view = broadcastView(session, 1, inbound, { from: self, body: state.broadcast })
  const broadcast = encodeMessage(round2Broadcast(threshold), {
    session,
    view,
    contribution: opening.contribution,
    proofNonce: opening.proof.nonce,
    proofResponse: opening.proof.response,
    chainCodeShare: opening.chainCodeShare,
    salt: opening.salt,
  })
  const pairs = [...opened.messages.keys()].map((peer) => startPair(context, peer, rng))
  const direct = pairs.map((pair): Outbound => {
    return { kind: 'direct', to: pair.peer, body: directMessage(context, polynomial, pair) }
  })
  const commitments = new Map([...opened.messages].map(([from, { commitment }]) => [from, commitment]))
  const ownShare = evaluate(engine, polynomial, evaluationPoint(self))
  const erasable = [ownShare, ...pairs.flatMap(startSecrets)]
  return {
    kind: 'next',
    state: { round: 2, erasable, ownShare, opening, commitments, view, pairs, broadcast },
    outbound: [{ kind: 'broadcast', body: broadcast }, ...direct],
  }
}

/** Fresh secrets for every peer: nothing is shared between pairs (TOB-BRON-2). */
function startPair({ engine, session, self, parties }: KeygenContext, peer: number, rng: Rng): PairStart {
  const zeroShare = rng(32)
  const role = baseOtRole(self, peer, parties)
  return role === 'base-sender'
    ? { peer, zeroShare, role, baseOt: startSender(engine, rng) }
    : { peer, zeroShare, role, baseOt: startReceiver(engine, baseOtSession(session, peer, self), rng) }
}

function startSecrets(pair: PairStart): readonly Uint8Array[] {
  const { zeroShare } = pair
  return pair.role === 'base-receiver' ? [zeroShare, pair.baseOt.choices, ...pair.baseOt.t] : [zeroShare, pair.baseOt.a]
}

function directMessage({ engine, session }: KeygenContext, polynomial: Polynomial, pair: PairStart): Uint8Array {
  const share = evaluate(engine, polynomial, evaluationPoint(pair.peer))
  const secrets = { session, share, zeroShare: pair.zeroShare }
  const body =
    pair.role === 'base-sender'
      ? encodeMessage(round2FromBaseSender, { ...secrets, baseOtKey: [pair.baseOt.A] })
      : encodeMessage(round2FromBaseReceiver, { ...secrets, baseOtPoints: pair.baseOt.message })
  wipe(share)
  return body
}
