/** Signing, the end (DKLs23 protocol 3.6, step 10): put the signature together, and release it only if it verifies. */
import { assembleSignature, isSignatureOf, type EcdsaSignature } from '../ecdsa.ts'
import { abort, type Outcome } from '../execution.ts'
import { open, sameView } from '../inbound.ts'
import type { Inbound } from '../protocol.ts'
import { round3Broadcast } from './messages.ts'
import type { AfterRound3, SignContext } from './state.ts'

export function finish(
  { engine, session, message, publicKey, publicPoint }: SignContext,
  state: AfterRound3,
  inbound: readonly Inbound[],
): Outcome<never, EcdsaSignature> {
  const opened = open(inbound, 'broadcast', round3Broadcast, session)
  if (opened.kind === 'abort') return opened
  const shares = [...opened.messages.values()]
  if (!sameView(shares, state.view)) return abort('view-mismatch', [])
  const u = shares.map((share) => share.u).reduce(engine.scalars.add, state.u)
  const w = shares.map((share) => share.w).reduce(engine.scalars.add, state.w)
  const signature = assembleSignature(engine, state.R, u, w)
  // u_i and w_i carry no proof: a wrong one shows here only, and not whose it is. R is not the identity (round 3), so
  // a Σu or Σw of zero is somebody's choice too.
  if (signature === undefined) return abort('signature-invalid', [])
  // The recovery id as well: whoever sends last can turn Σw into -Σw, and (r, s) stays valid in low-s form, but R's
  // parity does not belong to it.
  if (!isSignatureOf(engine, signature, message, publicPoint)) return abort('signature-invalid', [])
  return { kind: 'done', result: { ...signature, publicKey } }
}
