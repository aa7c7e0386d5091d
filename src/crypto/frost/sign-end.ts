/** Signing by FROST, the end: put the signature together (RFC 9591, section 5.3), or name whose share is wrong. */
import { abort, type Outcome } from '../execution.ts'
import { messageOf, offenders, open, sameView } from '../inbound.ts'
import type { Abort, Inbound } from '../protocol.ts'
import { signRound2 } from './messages.ts'
import type { AfterRound2, FrostSignature, SignContext } from './sign.ts'
import { isScalar } from './suite.ts'

export function aggregate(
  context: SignContext,
  state: AfterRound2,
  inbound: readonly Inbound[],
): Outcome<never, FrostSignature> {
  const { suite, session, self, key, message, publicKey, identifiers } = context
  const opened = open(inbound, 'broadcast', signRound2, session)
  if (opened.kind === 'abort') return opened
  const { messages } = opened
  // Views first: an honest share for other commitments does not verify under ours.
  if (!sameView(messages.values(), state.view)) return abort('view-mismatch', [])
  const malformed = offenders(messages, ({ share }) => isScalar(suite, share))
  if (malformed.length > 0) return abort('malformed-message', malformed)
  const shares = Object.fromEntries(
    identifiers.map((identifier, position) => [
      identifier,
      position === self ? state.share : messageOf(messages, position).share,
    ]),
  )
  try {
    // Throws unless the signature verifies: only such a one leaves.
    const signature = suite.frost.aggregate(key.public, [...state.list], message, shares)
    return { kind: 'done', result: { keyType: suite.keyType, signature, publicKey } }
  } catch (error) {
    return blameForShares(context, error)
  }
}

/** RFC 9591, section 5.4: noble verifies every share once the sum does not verify, and lists whose do not. */
function blameForShares({ self, identifiers }: SignContext, error: unknown): Abort {
  const { cheaters } = error as Readonly<{ cheaters?: unknown }> // noble does not export the class of this error
  if (!Array.isArray(cheaters)) throw error
  const culprits = identifiers.flatMap((identifier, position) =>
    position !== self && cheaters.includes(identifier) ? [position] : [],
  )
  return culprits.length > 0 ? abort('signature-share-invalid', culprits) : abort('signature-invalid', [])
}
