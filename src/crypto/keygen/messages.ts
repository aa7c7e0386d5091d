/** The messages of key generation, in wire order. */
import { bytes, elements, nonzeroScalar, point, points, scalar, type Message, type Schema } from '../codec.ts'
import { hashLength } from '../hash.ts'
import { session } from '../inbound.ts'
import { receiverElements } from '../ot/base-ot.ts'
import { bootstrapFields } from '../ot/bootstrap.ts'
import type { BaseOtRole } from './roles.ts'

export const round1Broadcast = [session, bytes('commitment', hashLength)] as const

/** The opening of round 1. t is fixed by the session: a vector of any other length does not decode. */
export const round2Broadcast = (threshold: number) =>
  [
    session,
    bytes('view', hashLength),
    points('contribution', threshold),
    point('proofNonce'),
    nonzeroScalar('proofResponse'),
    bytes('chainCodeShare', 32),
    bytes('salt', 32),
  ] as const

const round2Secrets = [session, scalar('share'), bytes('zeroShare', 32)] as const
export const round2FromBaseSender = [...round2Secrets, elements('baseOtKey', 1)] as const
export const round2FromBaseReceiver = [...round2Secrets, elements('baseOtPoints', receiverElements)] as const

export const round3Broadcast = [
  session,
  bytes('view', hashLength),
  point('publicShare'),
  point('proofNonce'),
  nonzeroScalar('proofResponse'),
] as const

/** Both sides' view of what the pair exchanged in round 2. Not in dkls23.md: it tells damage from a failed OT check. */
const pairConfirmation = bytes('pairConfirmation', hashLength)
export const round3FromBaseSender = [session, pairConfirmation, ...bootstrapFields] as const
export const round3FromBaseReceiver = [session, pairConfirmation] as const

export const round4Broadcast = [session, bytes('confirmation', hashLength)] as const

export type Round2Broadcast = Message<ReturnType<typeof round2Broadcast>>
export type Round3Broadcast = Message<typeof round3Broadcast>

/** Per round: the broadcast's schema and the direct one's by the sender's role. For tests and size estimates. */
export function keygenSchemas(
  threshold: number,
): readonly Readonly<{ broadcast: Schema; direct?: Readonly<Record<BaseOtRole, Schema>> }>[] {
  return [
    { broadcast: round1Broadcast },
    {
      broadcast: round2Broadcast(threshold),
      direct: { 'base-sender': round2FromBaseSender, 'base-receiver': round2FromBaseReceiver },
    },
    {
      broadcast: round3Broadcast,
      direct: { 'base-sender': round3FromBaseSender, 'base-receiver': round3FromBaseReceiver },
    },
    { broadcast: round4Broadcast },
  ]
}
