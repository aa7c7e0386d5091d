/** What a lying coordinator can put into the session that it shows. */
import { create } from '@bufbuild/protobuf'
import { rosterHash } from '../../src/crypto/session-id.ts'
import {
  ParticipantStatusSchema,
  PartyKeysSchema,
  type GetSessionStatusResponse,
  type ParticipantStatus,
  type PartyKeys,
} from '../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import type { Identity } from '../../src/identity/identity-key.ts'
import { ephemeralKeyPair } from '../../src/identity/seal.ts'
import { joinStatement } from '../../src/identity/statement.ts'
import type { Lie, Scene } from './lie.ts'

export type Shown = GetSessionStatusResponse
/** When: from the first state on, once the session has started, or once it is completed. */
export type Phase = 'always' | 'started' | 'completed'
export type Change = (session: Shown, scene: Scene) => Partial<Shown>

export function isIn(phase: Phase, { status }: Shown): boolean {
  if (phase === 'always') return true
  return status === 'completed' || (phase === 'started' && status === 'in_progress')
}

/** `who` sees the session with the change, everyone else as it is. */
export function showing(who: readonly string[], phase: Phase, change: Change): Lie['tell'] {
  return (scene) => {
    scene.hooks.show = (partyId, session) => {
      if (!who.includes(partyId) || !isIn(phase, session)) return [session]
      scene.lied()
      return [{ ...session, ...change(session, scene) }]
    }
  }
}

/** `who` is not shown the session from this phase on. */
export function hiding(who: readonly string[], phase: Phase, change: Change = () => ({})): Lie['tell'] {
  return (scene) => {
    scene.hooks.show = (partyId, session) => {
      if (!who.includes(partyId)) return [session]
      if (!isIn(phase, session)) return [{ ...session, ...change(session, scene) }]
      scene.lied()
      return []
    }
  }
}

export type Row = readonly [name: string, change: Change, end: Lie['end']]

/** One lie for each row. */
export function rows(
  base: Pick<Lie, 'session' | 'keyType' | 'parties'>,
  step: string,
  phase: 'always' | 'started',
  who: readonly string[],
  list: readonly Row[],
): readonly Lie[] {
  return list.map(([name, change, end]) => ({ ...base, step, name, end, tell: showing(who, phase, change) }))
}

/** The participants changed, and the roster hash of what comes out, as a coordinator that means it would have it. */
export function withParticipants(change: (participants: readonly ParticipantStatus[]) => ParticipantStatus[]): Change {
  return (session) => {
    const participants = change(session.participants)
    const entries = participants.flatMap(({ partyId, partyIndex: index, keys }) =>
      keys === undefined ? [] : [{ partyId, index, ...keys }],
    )
    return session.rosterHash === undefined ? { participants } : { participants, rosterHash: hashOf(entries) }
  }
}

function hashOf(entries: Parameters<typeof rosterHash>[0]): Uint8Array {
  try {
    return rosterHash(entries)
  } catch {
    return new Uint8Array(32)
  }
}

/** The keys of one participant changed. */
export function withKeys(whose: string, change: (keys: PartyKeys, others: PartyKeys) => Partial<PartyKeys>): Change {
  return withParticipants((participants) =>
    participants.map((one) => {
      const other = participants.find(({ partyId }) => partyId !== whose)?.keys
      if (one.partyId !== whose || one.keys === undefined || other === undefined) return one
      return { ...one, keys: { ...one.keys, ...change(one.keys, other) } }
    }),
  )
}

/** Another number in the order of participants for each, renumbered. */
export function withOrder(order: (participants: readonly ParticipantStatus[]) => readonly ParticipantStatus[]): Change {
  return withParticipants((participants) => order(participants).map((one, partyIndex) => ({ ...one, partyIndex })))
}

export function participant(partyId: string, partyIndex: number, keys?: PartyKeys): ParticipantStatus {
  return create(ParticipantStatusSchema, { partyId, partyIndex, status: 'ready', ...(keys && { keys }) })
}

/** A join as `identity` signs it, of this session or of another. */
export async function signedJoin(
  identity: Identity,
  sessionId: string,
  partyId: string,
  seed: number,
): Promise<PartyKeys> {
  const contribution = {
    identityKey: identity.publicKey,
    ephemeralKey: ephemeralKeyPair(new Uint8Array(32).fill(seed)).publicKey,
    nonce: new Uint8Array(32).fill(seed),
  }
  const signature = await identity.sign(joinStatement({ sessionId, partyId, ...contribution }))
  return create(PartyKeysSchema, { ...contribution, signature })
}

export const flip = (bytes: Uint8Array, at = 0): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))
