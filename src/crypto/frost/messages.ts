/**
 * The messages of FROST key generation and signing, in wire order. Points and scalars are opaque here: noble decodes
 * them, and refuses what is not canonical, where it uses them.
 */
import { bytes, type Message, type Schema } from '../codec.ts'
import { hashLength } from '../hash.ts'
import { session } from '../inbound.ts'
import { scalarLength, signatureLength } from './suite.ts'

/** φ_0, φ_1..φ_(t-1), and the proof of knowledge behind φ_0. A vector of any other length does not decode. */
export const keygenRound1 = (threshold: number, pointLength: number) =>
  [
    session,
    bytes('constantCommitment', pointLength),
    bytes('otherCommitments', (threshold - 1) * pointLength),
    bytes('proof', signatureLength),
  ] as const

export const keygenRound2Broadcast = [session, bytes('view', hashLength)] as const
export const keygenRound2Direct = [session, bytes('share', scalarLength)] as const

export const keygenRound3 = [session, bytes('confirmation', hashLength)] as const

/** D_i and E_i. */
export const signRound1 = (pointLength: number) =>
  [session, bytes('hiding', pointLength), bytes('binding', pointLength)] as const

export const signRound2 = [session, bytes('view', hashLength), bytes('share', scalarLength)] as const

export type KeygenRound1 = Message<ReturnType<typeof keygenRound1>>
export type SignRound1 = Message<ReturnType<typeof signRound1>>

/** Per round: the schemas of its messages. For tests and size estimates. */
export function frostKeygenSchemas(
  threshold: number,
  pointLength: number,
): readonly Readonly<{ broadcast: Schema; direct?: Schema }>[] {
  return [
    { broadcast: keygenRound1(threshold, pointLength) },
    { broadcast: keygenRound2Broadcast, direct: keygenRound2Direct },
    { broadcast: keygenRound3 },
  ]
}

export function frostSignSchemas(pointLength: number): readonly Readonly<{ broadcast: Schema }>[] {
  return [{ broadcast: signRound1(pointLength) }, { broadcast: signRound2 }]
}
