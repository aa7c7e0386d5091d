/** Signing, round 1 (DKLs23 protocol 3.6, steps 4–6): commit to a nonce share; start multiplying with every peer. */
import { isAllZero } from '../bytes.ts'
import { encodeMessage } from '../codec.ts'
import { encodePoint, prepareEncodings, type Point } from '../curve/secp256k1.ts'
import { randomScalar, type Scalar } from '../curve/scalar.ts'
import { abort, type Outcome } from '../execution.ts'
import { H } from '../hash.ts'
import type { OtState } from '../key-share.ts'
import type { Outbound, Rng } from '../protocol.ts'
import { request, type ReceiverState } from '../rvole.ts'
import { tag } from '../tags.ts'
import { round1Broadcast, round1Direct } from './messages.ts'
import type { AfterRound1, SignContext } from './state.ts'

/** `keyShare` is sk_i = λ_i·p_i + ζ_i; `ot` the state with each peer, by roster position. */
export function round1(
  context: SignContext,
  keyShare: Scalar,
  ot: ReadonlyMap<number, OtState>,
  rng: Rng,
): Outcome<AfterRound1, never> {
  const { engine, session, self } = context
  if (isAllZero(keyShare)) return abort('nonce-degenerate', []) // 2^-256; its point could not be sent
  const r = randomScalar(engine.scalars, rng)
  const phi = randomScalar(engine.scalars, rng)
  const [R, publicShare] = [engine.points.multiplyBase(r), engine.points.multiplyBase(keyShare)]
  prepareEncodings([R, publicShare])
  const salt = rng(32)
  const broadcast = encodeMessage(round1Broadcast, { session, commitment: commitTo(context, self, R, salt) })
  const outbound: Outbound[] = [{ kind: 'broadcast', body: broadcast }]
  const receivers = new Map<number, ReceiverState>()
  for (const [peer, { asReceiver }] of ot) {
    const { message, state } = request(engine, asReceiver, rvoleSession(context, peer, self), rng)
    receivers.set(peer, state)
    outbound.push({ kind: 'direct', to: peer, body: encodeMessage(round1Direct, { session, ...message }) })
  }
  const nonce = { r, phi, R, salt }
  const erasable = [keyShare, r, phi, ...[...receivers.values()].flatMap(({ beta, rows, b }) => [beta, rows, b])]
  return {
    kind: 'next',
    state: { round: 1, erasable, nonce, keyShare, publicShare, ot, receivers, broadcast },
    outbound,
  }
}

/** Binds session and party; parties go by their number in the key. */
export function commitTo({ session, signers }: SignContext, party: number, R: Point, salt: Uint8Array): Uint8Array {
  return H(tag.signCommitment, session, keyIndex(signers, party), encodePoint(R), salt)
}

/** One direction of multiplication between two signers, given by roster position. */
export function rvoleSession({ session, signers }: SignContext, sender: number, receiver: number): Uint8Array {
  return H(tag.rvolePair, session, keyIndex(signers, sender), keyIndex(signers, receiver))
}

function keyIndex(signers: readonly number[], party: number): number {
  const index = signers[party]
  if (index === undefined) throw new RangeError(`party ${party} of ${signers.length} signers`)
  return index
}
