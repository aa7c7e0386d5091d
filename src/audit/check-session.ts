/** One session, everything about it checked that somebody can check who was no part of it. */
import { equalBytes } from '../crypto/bytes.ts'
import type { FrostPublicKey } from '../crypto/frost/key-share.ts'
import type { KeyType } from '../crypto/key-type.ts'
import { verifyChain, type ChainHead } from '../events/session-event.ts'
import type { Trimmed } from '../events/trimmed.ts'
import { samePolicy } from '../policy/key-policy.ts'
import { spentApprovals, unapproved } from './check-approvals.ts'
import { checkMessages } from './check-messages.ts'
import { Entry, type TimelineEntry } from './entry.ts'
import { inLogOrder, mergeByTime } from './log-order.ts'
import { takeLifecycle } from './lifecycle.ts'
import type { Finding, FindingKind, SessionRecords } from './records.ts'
import { checkWitnesses } from './witness-check.ts'
import { keyMadeBy, type KeyFacts, type SessionFacts, type SessionStatus } from './session-facts.ts'

export type Verdict = 'intact' | 'tampered' | 'unjudged'

export type SessionReport = Readonly<{
  sessionId: string
  type: 'keygen' | 'sign'
  keyType: KeyType
  status: SessionStatus
  /** Unix milliseconds; 0 for a session that was never created. */
  createdMs: number
  verdict: Verdict
  /** Oldest first. */
  findings: readonly Finding[]
  /** Lifecycle events and messages, merged by their times. */
  entries: readonly TimelineEntry[]
  /** True where the parties brought a protocol of their own: what they sent each other was not judged. */
  opaque: boolean
  /** The key that was made here. */
  key: KeyFacts | null
  /** Of a sign session that completed: the approvals that its key's policy asked for, by name. */
  spent: readonly string[]
  /** Of a sign session: whether the session that made its key was there to compare with. */
  keyKnown: boolean
}>

export type SessionContext = Readonly<{
  /** The key that a sign session names, where the session that made it is known. */
  keyOf: (keyId: string) => KeyFacts | null
  /** The end of the session's chain as somebody else has kept it. */
  expectedHead: ChainHead | null
  /** What the records leave out of MESSAGES; absent: nothing. */
  trimmed?: Trimmed | undefined
}>

export async function checkSession(
  records: SessionRecords,
  { keyOf, expectedHead, trimmed }: SessionContext = { keyOf: () => null, expectedHead: null },
): Promise<SessionReport> {
  const { sessionId } = records
  const { facts, entries: lifecycle } = await takeLifecycle(records)
  const key = facts.type === 'sign' ? keyOf(facts.keyId) : null
  const stored = records.lifecycle.map(({ data }) => data)
  const chain = await verifyChain(sessionId, stored, expectedHead ?? undefined)
  const findings: Finding[] = []
  if (chain.kind === 'broken') {
    const { version, reason } = chain
    const broken = lifecycle[version - 1]
    broken?.blame('tampered', reason)
    if (broken === undefined) findings.push(atEnd(records, `event ${version} of the session: ${reason}`))
  }
  if (lifecycle.length === 0) findings.push(atEnd(records, 'the session was never created'))
  if (key !== null) blameForKey(facts, key, lifecycle)
  const blameResult = (reason: string) =>
    lifecycle.find(({ kind }) => kind === 'SessionCompleted')?.blame('tampered', reason)
  const unapprovedReason = await unapproved(facts)
  if (unapprovedReason !== null) blameResult(unapprovedReason)

  const isPart = trimmed !== undefined && facts.started && (lifecycle[0]?.sequence ?? 0) <= trimmed.sessionsUpTo
  if (isPart) findings.push(movedAway(sessionId, trimmed))
  const judged = await checkMessages(facts, key, { records: records.messages, isPart }, blameResult)
  const { entries: messages, opaque, frost, binding, signed } = judged
  await checkWitnesses(facts, records, lifecycle, isPart ? null : binding, signed)
  const entries = mergeByTime(lifecycle, messages)
  findings.push(...entries.flatMap((entry) => entry.findings(sessionId)))
  const shown = entries.map((entry) => entry.shown(facts))
  return {
    ...summary(facts, findings, frost),
    opaque,
    spent: spentApprovals(facts),
    keyKnown: key !== null,
    entries: shown,
  }
}

function summary(facts: SessionFacts, findings: readonly Finding[], frost: FrostPublicKey | null) {
  const { sessionId, type, keyType, status, createdMs } = facts
  const verdict = verdictOf(findings)
  const key = verdict === 'intact' ? keyMadeBy(facts, frost) : null
  return { sessionId, type, keyType, status, createdMs, verdict, key, findings: inLogOrder(findings) }
}

export function verdictOf(findings: readonly Finding[]): Verdict {
  const has = (kind: FindingKind) => findings.some((finding) => finding.kind === kind)
  if (has('tampered')) return 'tampered'
  return has('unjudged') ? 'unjudged' : 'intact'
}

/** Signers and key must be those of the session that made the key. */
function blameForKey(facts: SessionFacts, key: KeyFacts, lifecycle: readonly Entry[]): void {
  const blame = (kind: string, partyId: string | null, reason: string) =>
    lifecycle.find((entry) => entry.kind === kind && entry.actsFor(partyId))?.blame('tampered', reason)
  const { keyType, publicKey, thresholdT, thresholdN } = facts
  const isSameKey =
    keyType === key.keyType &&
    equalBytes(publicKey, key.publicKey) &&
    thresholdT === key.thresholdT &&
    thresholdN === key.thresholdN
  if (!isSameKey) blame('SessionCreated', null, `it is not the key that session ${key.keyId} made`)
  if (!samePolicy(facts.policy, key.policy)) {
    blame('SessionCreated', null, `it states another policy than session ${key.keyId} fixed`)
  }
  for (const { partyId, keys } of facts.parties) {
    const member = key.members.find((candidate) => candidate.partyId === partyId)
    if (member === undefined) blame('SessionCreated', null, `${partyId} is not one of the parties of the key`)
    else if (keys !== null && member.identityKey.length > 0 && !equalBytes(keys.identityKey, member.identityKey)) {
      blame('PartyJoined', partyId, `${partyId} made the key with another identity`)
    }
  }
}

function movedAway(sessionId: string, { upTo }: Trimmed): Finding {
  const reason = `what it had in MESSAGES up to ${upTo} was moved to an archive: name that with --archive`
  return { kind: 'unjudged', stream: 'MESSAGES', sequence: null, sessionId, reason }
}

function atEnd({ sessionId, lifecycle }: SessionRecords, reason: string): Finding {
  return { kind: 'tampered', stream: 'SESSIONS', sequence: lifecycle.at(-1)?.sequence ?? null, sessionId, reason }
}
