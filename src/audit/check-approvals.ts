/**
 * What the policy of a key says to a sign session that completed. Honest parties have asked it themselves, before they
 * said that they were ready; an auditor asks again with what the log holds.
 */
import { judgeSigning } from '../policy/judge.ts'
import type { SessionFacts } from './session-facts.ts'

/** What the parties' clocks may differ by from the one that wrote when the session was created. */
const clockSkewSeconds = 60

/** Why no honest party would have signed; null where nothing stands against it. */
export async function unapproved(facts: SessionFacts): Promise<string | null> {
  const { type, status, policy, approvals, keyId, publicKey, keyType, message, parties, createdMs } = facts
  if (type !== 'sign' || status !== 'completed' || policy === null) return null
  const participants = parties.map(({ partyId }) => partyId)
  const subject = { keyId, publicKey, keyType, derivationPath: '', message, participants }
  let problem = ''
  for (const skew of [0, -clockSkewSeconds, clockSkewSeconds]) {
    const verdict = await judgeSigning(policy, subject, approvals, Math.floor(createdMs / 1_000) + skew)
    if (verdict.kind === 'allowed') return null
    problem ||= `${verdict.field}: ${verdict.problem}`
  }
  return `it was signed against the policy of the key: ${problem}`
}

/** One name for each approval that a completed session has spent: of two sessions with one of them, one is too many. */
export function spentApprovals({ type, status, policy, approvals, keyId }: SessionFacts): readonly string[] {
  if (type !== 'sign' || status !== 'completed' || policy === null) return []
  return approvals.map(({ approver, nonce }) => `${keyId} ${approver} ${nonce}`)
}
