/** Signing, round 2 (DKLs23 protocol 3.6, step 7): answer every peer's multiplication with (r_i, sk_i). */
import { wipe } from '../bytes.ts'
import { encodeMessage } from '../codec.ts'
import type { Scalar } from '../curve/scalar.ts'
import { abort, type Outcome } from '../execution.ts'
import { broadcastView, messageOf, open } from '../inbound.ts'
import type { Inbound, Outbound, Rng } from '../protocol.ts'
import { answer, type Answer } from '../rvole.ts'
import { round1Broadcast, round1Direct, round2Direct } from './messages.ts'
import { rvoleSession } from './round-1.ts'
import type { AfterRound1, AfterRound2, SignContext } from './state.ts'

export function round2(
  context: SignContext,
  state: AfterRound1,
  inbound: readonly Inbound[],
  rng: Rng,
): Outcome<AfterRound2, never> {
  const { engine, session, self } = context
  const opened = open(inbound, 'broadcast', round1Broadcast, session)
  if (opened.kind === 'abort') return opened
  const direct = open(inbound, 'direct', round1Direct, session)
  if (direct.kind === 'abort') return direct

  // Every peer's session was compared before any OT processing. The broadcasts' echo only comes with round 2; no OT
  // value depends on them, so a coordinator that equivocates here cannot make an honest peer fail an OT check.
  const { nonce, keyShare, publicShare, receivers } = state
  const inputs = { scalars: [nonce.r, keyShare], points: [nonce.R, publicShare] } as const
  const answers = new Map<number, Readonly<{ message: Answer; shares: readonly [Scalar, Scalar] }>>()
  const failed: number[] = []
  for (const [peer, { asSender }] of state.ot) {
    const request = messageOf(direct.messages, peer)
    const pair = rvoleSession(context, self, peer)
    const answered = answer(engine, asSender, pair, request, inputs, rng)
    if (answered === undefined) failed.push(peer)
    else answers.set(peer, answered)
  }
  if (failed.length > 0) {
    for (const { shares } of answers.values()) wipe(...shares)
    return abort('ot-check-failed', failed, 'ban')
  }
  const view = broadcastView(session, 1, inbound, { from: self, body: state.broadcast })
  const outbound = [...answers].map(([peer, { message }]): Outbound => {
    const body = encodeMessage(round2Direct, {
      session,
      view,
      nonce: nonce.R,
      salt: nonce.salt,
      publicShare,
      psi: engine.scalars.subtract(nonce.phi, messageOf(receivers, peer).b),
      ...message,
    })
    return { kind: 'direct', to: peer, body }
  })
  const { r, phi, R } = nonce
  const shares = new Map([...answers].map(([peer, answered]) => [peer, answered.shares]))
  const commitments = new Map([...opened.messages].map(([from, { commitment }]) => [from, commitment]))
  return {
    kind: 'next',
    state: {
      round: 2,
      erasable: [...state.erasable, ...[...shares.values()].flat()],
      nonce: { r, phi, R },
      keyShare,
      publicShare,
      receivers,
      shares,
      commitments,
      view,
    },
    outbound,
  }
}
