/** Key generation, the end: the share exists only when every party confirmed the same key. */
import { equalBytes } from '../bytes.ts'
import { abort, type Outcome } from '../execution.ts'
import { open } from '../inbound.ts'
import type { KeyShare } from '../key-share.ts'
import type { Inbound } from '../protocol.ts'
import { round4Broadcast } from './messages.ts'
import type { AfterRound4, KeygenContext } from './state.ts'

export function finish(
  { session }: KeygenContext,
  state: AfterRound4,
  inbound: readonly Inbound[],
): Outcome<never, KeyShare> {
  const opened = open(inbound, 'broadcast', round4Broadcast, session)
  if (opened.kind === 'abort') return opened
  // A party may confirm something else because it lies or because it was shown other proofs: nobody can be named.
  const equal = [...opened.messages.values()].every(({ confirmation }) => equalBytes(confirmation, state.confirmation))
  return equal ? { kind: 'done', result: state.keyShare } : abort('confirmation-mismatch', [])
}
