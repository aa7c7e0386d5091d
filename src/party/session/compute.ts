/** From an agreed roster to the protocol's output: what the run is bound to, its execution, its rounds. */
import { protocolName } from '../../crypto/protocol-name.ts'
import { sessionId as protocolSessionId } from '../../crypto/session-id.ts'
import { Refusal } from '../../edge/refusal.ts'
import { orAborted } from '../abort.ts'
import type { EnvelopeContext } from '../envelope.ts'
import type { ExecutionHost, HostedRun, ProtocolTask } from '../execution/execution-host.ts'
import { SessionFailure } from '../failure.ts'
import { policyHash } from '../../policy/key-policy.ts'
import type { StoredKey } from '../store/share-store.ts'
import type { Member } from '../transport/party-transport.ts'
import type { Roster } from './roster.ts'
import { runRounds, type RoundsResult } from './rounds.ts'
import type { Run } from './run.ts'
import type { Terms } from './terms.ts'

const firstEpoch = 0

export function envelopeContext(terms: Terms, roster: Roster): EnvelopeContext {
  const isSign = terms.kind === 'sign'
  const sid = protocolSessionId({
    purpose: terms.kind,
    keyType: terms.keyType,
    sessionId: terms.sessionId,
    keyId: isSign ? terms.keyId : terms.sessionId,
    epoch: firstEpoch,
    derivationPath: '',
    message: isSign ? terms.message : new Uint8Array(0),
    threshold: terms.thresholdT,
    parties: terms.thresholdN,
    roster: roster.entries,
    policyHash: policyHash(terms.policy),
  })
  return { protocol: protocolName(terms.kind, terms.keyType), sessionId: terms.sessionId, sid, rosterHash: roster.hash }
}

/** What `compute` needs besides the run. */
export type Agreed = Readonly<{
  member: Member
  terms: Terms
  /** Null in key generation. */
  key: StoredKey | null
  roster: Roster
}>

/** @throws SessionFailure, or what the transport throws. */
export async function compute(
  run: Run,
  { member, terms, key, roster }: Agreed,
  context: EnvelopeContext,
  ephemeralSecret: Uint8Array,
): Promise<RoundsResult> {
  const { parts, sessionId, emit, fail, signal } = run
  const { transport, identity, clock, limits } = parts
  const { roundTimeoutMs } = limits
  const dropped = parts.rejections.ofSession(limits.loggedRejections)
  const rounds = { transport, identity, clock, roundTimeoutMs, context, roster, ephemeralSecret, emit, dropped, fail }
  const task = await taskFor(run, terms, key, roster, context.sid)
  let hosted: HostedRun | null = null
  try {
    hosted = await openRun(parts.host, task, signal)
    return await runRounds({ ...rounds, member, signal }, hosted)
  } catch (error) {
    if (error instanceof SessionFailure || error instanceof Refusal || signal.aborted) throw error
    throw new SessionFailure('execution_failed', `session ${sessionId}: the computation ended`, [], 'none', error)
  } finally {
    hosted?.close()
  }
}

/** A run that opens after its session has ended is closed again. */
async function openRun(host: ExecutionHost, task: ProtocolTask, signal: AbortSignal): Promise<HostedRun> {
  const opening = host.open(task)
  try {
    return await orAborted(opening, signal)
  } catch (error) {
    opening.then(
      (late) => late.close(),
      () => undefined,
    )
    throw error
  } finally {
    if ('share' in task) opening.finally(() => task.share.fill(0)).catch(() => undefined)
  }
}

async function taskFor(
  run: Run,
  terms: Terms,
  key: StoredKey | null,
  roster: Roster,
  sid: Uint8Array,
): Promise<ProtocolTask> {
  const { self } = roster
  if (terms.kind === 'keygen') {
    const { keyType, thresholdT: threshold, thresholdN: parties } = terms
    const common = { sid, self, threshold, parties }
    return keyType === 'ecdsa-secp256k1'
      ? { protocol: 'dkls23-keygen', ...common }
      : { protocol: 'frost-keygen', keyType, ...common }
  }
  const stored = await run.parts.shares.get(terms.keyId)
  if (stored === null || key === null) throw new SessionFailure('key_unknown', 'the share of this key is gone')
  const signers = terms.partyIds.map((partyId) => key.members.findIndex((member) => member.partyId === partyId))
  const { message } = terms
  const common = { sid, self, signers, share: stored.share }
  return key.keyType === 'ecdsa-secp256k1'
    ? { protocol: 'dkls23-sign', ...common, messageHash: message }
    : { protocol: 'frost-sign', ...common, message }
}
