/** What two parties set up with each other during key generation: zero-share seed and OTs in both directions. */
import type { Element } from '../curve/ristretto255.ts'
import { H } from '../hash.ts'
import { finishReceiver, finishSender } from '../ot/base-ot.ts'
import { reverseToSender } from '../ot/bootstrap.ts'
import type { ExtensionMessage } from '../ot/extension.ts'
import type { Rng } from '../protocol.ts'
import { tag } from '../tags.ts'
import { pairOf } from './roles.ts'
import type { KeygenContext, PairReady, PairStart } from './state.ts'

/** Binds a pair's base OT to session, pair and roles. */
export function baseOtSession(session: Uint8Array, sender: number, receiver: number): Uint8Array {
  return H(tag.baseOtPair, session, sender, receiver)
}

/** Likewise for the OT extension that yields the reverse direction; sender and receiver are the base OT's. */
export function bootstrapSession(session: Uint8Array, sender: number, receiver: number): Uint8Array {
  return H(tag.bootstrapPair, session, sender, receiver)
}

/** The peer's part of round 2, by what its role made it send. */
export type PairReply = Readonly<{ zeroShare: Uint8Array; baseOt: readonly Element[] }>

/**
 * Ends the base OT with what the peer sent in round 2. The base-OT sender also produces the message that gives the
 * reverse direction.
 */
export function finishPair(
  { engine, session, self, parties }: KeygenContext,
  start: PairStart,
  reply: PairReply,
  rng: Rng,
): Readonly<{ pair: PairReady; reverse?: ExtensionMessage }> {
  const { peer } = start
  const { sender, receiver } = pairOf(self, peer, parties)
  const [low, high] = self < peer ? [start.zeroShare, reply.zeroShare] : [reply.zeroShare, start.zeroShare]
  const zeroShareSeed = H(tag.zeroShareSeed, session, Math.min(self, peer), Math.max(self, peer), low, high)
  const confirmed = (key: readonly Uint8Array[], answers: readonly Uint8Array[]) =>
    H(tag.pairConfirmation, session, sender, receiver, zeroShareSeed, ...key, ...answers)
  const baseSession = baseOtSession(session, sender, receiver)
  if (start.role === 'base-sender') {
    const asReceiver = finishSender(engine, baseSession, start.baseOt, reply.baseOt)
    const reversed = reverseToSender(engine, asReceiver, bootstrapSession(session, sender, receiver), rng)
    const confirmation = confirmed([start.baseOt.A.bytes], reply.baseOt.map(({ bytes }) => bytes))
    const ot = { asSender: reversed.state, asReceiver }
    return { pair: { peer, zeroShareSeed, confirmation, role: start.role, ot }, reverse: reversed.message }
  }
  const [key] = reply.baseOt
  if (key === undefined) throw new Error('the base-OT sender has exactly one key')
  const asSender = finishReceiver(engine, baseSession, start.baseOt, key)
  const confirmation = confirmed([key.bytes], start.baseOt.message.map(({ bytes }) => bytes))
  return { pair: { peer, zeroShareSeed, confirmation, role: start.role, asSender } }
}

/** The secret byte arrays of a pair, for overwriting. */
export function pairSecrets(pair: PairReady): readonly Uint8Array[] {
  if (pair.role === 'base-receiver') return [pair.zeroShareSeed, pair.asSender.delta, pair.asSender.seeds]
  const { asSender, asReceiver } = pair.ot
  return [pair.zeroShareSeed, asSender.delta, asSender.seeds, asReceiver.seeds0, asReceiver.seeds1]
}
