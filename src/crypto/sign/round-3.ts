/** Signing, round 3 (DKLs23 protocol 3.6, steps 8–9): check all openings and multiplications; broadcast u_i and w_i. */
import { equalBytes, wipe } from '../bytes.ts'
import { encodeMessage } from '../codec.ts'
import { encodePoint, equalPoints, identity, isIdentity } from '../curve/secp256k1.ts'
import type { Point } from '../curve/secp256k1.ts'
import { sumScalars, type Scalar } from '../curve/scalar.ts'
import { signatureR } from '../ecdsa.ts'
import type { Engine } from '../engine.ts'
import { abort, type Outcome } from '../execution.ts'
import { H } from '../hash.ts'
import { messageOf, offenders, open, sameView } from '../inbound.ts'
import type { Abort, Inbound } from '../protocol.ts'
import { finish as finishRvole } from '../rvole.ts'
import { tag } from '../tags.ts'
import { round2Direct, round3Broadcast, type Round2Direct } from './messages.ts'
import { commitTo } from './round-1.ts'
import type { AfterRound2, AfterRound3, SignContext } from './state.ts'

type Messages = ReadonlyMap<number, Round2Direct>
/** d^u_ij and d^v_ij, per peer. */
type ReceiverShares = ReadonlyMap<number, readonly [Scalar, Scalar]>

export function round3(
  context: SignContext,
  state: AfterRound2,
  inbound: readonly Inbound[],
): Outcome<AfterRound3, never> {
  const { engine, session } = context
  const opened = open(inbound, 'direct', round2Direct, session)
  if (opened.kind === 'abort') return opened
  const { messages } = opened

  // All peers' views and openings come before any peer's OT processing.
  if (!sameView(messages.values(), state.view)) return abort('view-mismatch', [])
  const mismatched = offenders(messages, ({ nonce, salt }, from) =>
    equalBytes(commitTo(context, from, nonce, salt), messageOf(state.commitments, from)),
  )
  if (mismatched.length > 0) return abort('commitment-mismatch', mismatched)

  const received = receiveShares(engine, state, messages)
  if (received.kind === 'abort') return received
  try {
    return combine(context, state, messages, received.shares)
  } finally {
    wipe(...[...received.shares.values()].flat())
  }
}

/** The checks of the sums, then u_i and w_i (steps 8 and 9). */
function combine(
  context: SignContext,
  state: AfterRound2,
  messages: Messages,
  received: ReceiverShares,
): Outcome<AfterRound3, never> {
  const { engine, session, self, publicPoint } = context
  const publicShares = byPosition(context, self, state.publicShare, messages, ({ publicShare }) => publicShare)
  const sumOfShares = publicShares.reduce(engine.points.add, identity)
  if (!equalPoints(sumOfShares, publicPoint)) return abort('public-key-mismatch', [])
  const nonces = byPosition(context, self, state.nonce.R, messages, ({ nonce }) => nonce)
  const R = nonces.reduce(engine.points.add, identity)
  if (isIdentity(R)) return abort('nonce-degenerate', [])

  const { u, w } = signatureShares(context, state, messages, received, signatureR(engine, R))
  const view = H(tag.signNonces, session, ...[...nonces, ...publicShares].map(encodePoint))
  return {
    kind: 'next',
    state: { round: 3, erasable: [], R, u, w, view },
    outbound: [{ kind: 'broadcast', body: encodeMessage(round3Broadcast, { session, view, u, w }) }],
  }
}

/** RVOLE outputs, with the checks that every peer has multiplied with r_j and sk_j: those of R_j and pk_j. */
function receiveShares(
  engine: Engine,
  state: AfterRound2,
  messages: Messages,
): Readonly<{ kind: 'received'; shares: ReceiverShares }> | Abort {
  const shares = new Map<number, readonly [Scalar, Scalar]>()
  const failed: number[] = []
  for (const [peer, receiver] of state.receivers) {
    const message = messageOf(messages, peer)
    const finished = finishRvole(engine, receiver, message, [message.nonce, message.publicShare])
    if (finished === undefined) failed.push(peer)
    else shares.set(peer, finished)
  }
  if (failed.length === 0) return { kind: 'received', shares }
  wipe(...[...shares.values()].flat())
  return abort('rvole-check-failed', failed, 'ban')
}

/** Φ_i, u_i, v_i and w_i; only u_i and w_i leave. */
function signatureShares(
  { engine, message: m }: SignContext,
  { nonce, keyShare, shares }: AfterRound2,
  messages: Messages,
  received: ReceiverShares,
  r: Scalar,
): Readonly<{ u: Scalar; w: Scalar }> {
  const { add, multiply } = engine.scalars
  const sum = (addends: readonly Scalar[]) => sumScalars(engine.scalars, addends)
  const phi = sum([nonce.phi, ...[...messages.values()].map(({ psi }) => psi)])
  const pairs = [...shares.values(), ...received.values()]
  const [rPhi, skPhi] = [multiply(nonce.r, phi), multiply(keyShare, phi)]
  const u = sum([rPhi, ...pairs.map(([first]) => first)])
  const v = sum([skPhi, ...pairs.map(([, second]) => second)])
  const [mPhi, rv] = [multiply(m, nonce.phi), multiply(r, v)]
  const w = add(mPhi, rv)
  wipe(phi, v, rPhi, skPhi, mPhi, rv) // m and r_x are public: mPhi and rv would tell φ and v
  return { u, w }
}

/** One point of every signer, in the roster's order. */
function byPosition(
  { signers }: SignContext,
  self: number,
  own: Point,
  messages: Messages,
  of: (message: Round2Direct) => Point,
): readonly Point[] {
  return signers.map((_, position) => (position === self ? own : of(messageOf(messages, position))))
}
