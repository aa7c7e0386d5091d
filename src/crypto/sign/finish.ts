/** Signing, the end (DKLs23 protocol 3.6, step 4): put the signature together, and release it only if it verifies. */
import { sumScalars } from '../curve/scalar.ts'
import { assembleSignature, verifySignature, type EcdsaSignature } from '../ecdsa.ts'
import { abort, type Outcome } from '../execution.ts'
import { open, sameView } from '../inbound.ts'
import type { Inbound } from '../protocol.ts'
import { round3Broadcast } from './messages.ts'
import type { AfterRound3, SignContext } from './state.ts'

export function finish(
  { session, messageHash, publicKey }: SignContext,
  state: AfterRound3,
  inbound: readonly Inbound[],
): Outcome<never, EcdsaSignature> {
  const opened = open(inbound, 'broadcast', round3Broadcast, session)
  if (opened.kind === 'abort') return opened
  const shares = [...opened.messages.values()]
  if (!sameView(shares, state.view)) return abort('view-mismatch', [])
  const u = sumScalars([state.u, ...shares.map((share) => share.u)])
  const w = sumScalars([state.w, ...shares.map((share) => share.w)])
  const signature = assembleSignature(state.R, u, w)
  if (signature === undefined) return abort('nonce-degenerate', [])
  // u_i and w_i carry no proof: a wrong one shows here only, and not whose it is.
  if (!verifySignature(signature, messageHash, publicKey)) return abort('signature-invalid', [])
  return { kind: 'done', result: { ...signature, publicKey } }
}
