/**
 * After a restart: sessions in which the previous process was in the middle cannot go on, because their round state was
 * only in its memory. They are failed, so that nobody waits for them. To be allowed to, the party joins again under the
 * keys it had joined with, whose secrets are gone; nothing is ever computed under them.
 */
import { Refusal } from '../../edge/refusal.ts'
import type { PartyParts } from '../party-parts.ts'
import type { UnfinishedSession } from '../store/session-journal.ts'
import type { JoinRequest } from '../transport/party-transport.ts'

/** Fails them and closes their entries. Throws Refusal 'unavailable' when the coordinator is away: call again later. */
export async function failUnfinished(
  parts: PartyParts,
  unfinished: readonly UnfinishedSession[],
  signal: AbortSignal,
): Promise<void> {
  for (const { sessionId, request } of unfinished) {
    const reported = await reportRestart(parts, sessionId, request, signal)
    await parts.journal.close(sessionId)
    parts.log.warn(
      { sessionId, partyId: request.partyId, reported },
      'the session was under way when this party stopped',
    )
  }
}

/** False when there is nothing to fail any more. */
async function reportRestart(
  { transport }: PartyParts,
  sessionId: string,
  request: JoinRequest,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const { credential } = await transport.join(request, signal)
    const member = { sessionId, partyId: request.partyId, credential }
    await transport.report(member, { kind: 'failed', reason: 'party_restarted', culprits: [] }, signal)
    return true
  } catch (error) {
    if (error instanceof Refusal && error.code !== 'unavailable' && error.code !== 'internal_error') return false
    throw error
  }
}
