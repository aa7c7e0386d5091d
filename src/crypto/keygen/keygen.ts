/**
 * Distributed key generation for DKLs23 signing: Feldman sharing with committed contributions, and the pairwise setup
 * (zero-share seeds, OTs in both directions). Four rounds. Any failure makes everything void: nothing is kept, so every
 * abort is of severity `retry`.
 */
import type { Engine } from '../engine.ts'
import { createExecution } from '../execution.ts'
import { H, hashLength } from '../hash.ts'
import type { KeyShare } from '../key-share.ts'
import { limbEngine } from '../limbs/engine.ts'
import type { Execution, Rng } from '../protocol.ts'
import { maxParties } from '../session-id.ts'
import { tag } from '../tags.ts'
import { finish } from './finish.ts'
import { round1 } from './round-1.ts'
import { round2 } from './round-2.ts'
import { round3 } from './round-3.ts'
import { round4 } from './round-4.ts'
import type { KeygenContext, KeygenState } from './state.ts'

export type KeygenParams = Readonly<{
  /** From `sessionId`, 32 bytes. */
  sid: Uint8Array
  /** Own number, 0-based. */
  self: number
  /** t: how many signers will suffice. */
  threshold: number
  /** n. */
  parties: number
}>

export const keygenRounds = [
  { broadcast: true, direct: false },
  { broadcast: true, direct: true },
  { broadcast: true, direct: true },
  { broadcast: true, direct: false },
]

/** One party's run. The result is secret; store it before telling anyone. @throws RangeError naming a bad parameter. */
export function createKeygen(params: KeygenParams, rng: Rng, engine: Engine = limbEngine): Execution<KeyShare> {
  const { sid, self, threshold, parties } = params
  const isBetween = (value: number, least: number, most: number) =>
    Number.isInteger(value) && value >= least && value <= most
  if (sid.length !== hashLength) throw new RangeError('keygen: sid must be 32 bytes')
  if (!isBetween(parties, 2, maxParties)) throw new RangeError(`keygen: parties must be 2 to ${maxParties}`)
  if (!isBetween(threshold, 2, parties)) throw new RangeError('keygen: threshold must be 2 to parties')
  if (!isBetween(self, 0, parties - 1)) throw new RangeError('keygen: self must be 0 to parties - 1')
  const session = keygenSession(sid, threshold, parties)
  const context: KeygenContext = { engine, session, self, threshold, parties }
  return createExecution<KeygenState, KeyShare>({
    parties,
    self,
    rounds: keygenRounds,
    begin: () => round1(context, rng),
    advance: (state, inbound) => {
      switch (state.round) {
        case 1:
          return round2(context, state, inbound, rng)
        case 2:
          return round3(context, state, inbound, rng)
        case 3:
          return round4(context, state, inbound)
        case 4:
          return finish(context, state, inbound)
      }
    },
  })
}

/** The session id with the protocol's own parameters hashed in. */
export function keygenSession(
  sid: Uint8Array,
  threshold: number,
  parties: number,
  version: typeof tag.keygenSession | typeof tag.formerKeygenSession = tag.keygenSession,
): Uint8Array {
  return H(version, sid, threshold, parties)
}
