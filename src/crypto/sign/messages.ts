/** The messages of signing, in wire order. */
import { bytes, scalar, uncompressedPoint, type Message, type Schema } from '../codec.ts'
import { hashLength } from '../hash.ts'
import { session } from '../inbound.ts'
import { answerFields, requestFields } from '../rvole.ts'

export const round1Broadcast = [session, bytes('commitment', hashLength)] as const
export const round1Direct = [session, ...requestFields] as const

export const round2Direct = [
  session,
  bytes('view', hashLength),
  uncompressedPoint('nonce'),
  bytes('salt', 32),
  uncompressedPoint('publicShare'),
  scalar('psi'),
  ...answerFields,
] as const

export const round3Broadcast = [session, bytes('view', hashLength), scalar('u'), scalar('w')] as const

export type Round2Direct = Message<typeof round2Direct>

/** Per round: the schemas of its messages. For tests and size estimates. */
export const signSchemas: readonly Readonly<{ broadcast?: Schema; direct?: Schema }>[] = [
  { broadcast: round1Broadcast, direct: round1Direct },
  { direct: round2Direct },
  { broadcast: round3Broadcast },
]
