/**
 * One party's part in one session, from the join to the end. The order of the steps is the point: journal before join,
 * agreement before ready, roster before any computation, share on disk before the report, bans on disk before the report.
 */
import { bytesToHex } from '@noble/hashes/utils.js'
import { sessionId as protocolSessionId } from '../../crypto/session-id.ts'
import { Refusal } from '../../edge/refusal.ts'
import { ephemeralKeyPair } from '../../identity/seal.ts'
import { joinStatement } from '../../identity/statement.ts'
import { linkedAbort, orAborted } from '../abort.ts'
import type { EnvelopeContext } from '../envelope.ts'
import { HostUnavailable, type ProtocolTask } from '../execution/execution-host.ts'
import { SessionFailure } from '../failure.ts'
import { sessionIdOfToken } from '../join-token.ts'
import type { PartyParts } from '../party-parts.ts'
import type { OnProgress, ProgressStep } from '../progress.ts'
import { StorageError } from '../store/records.ts'
import type { StoredKey } from '../store/share-store.ts'
import type { JoinKeys, Member, SessionSnapshot } from '../transport/party-transport.ts'
import { conclude, type SessionResult } from './conclude.ts'
import { gather } from './gather.ts'
import { giveUp } from './give-up.ts'
import { checkRoster, type Roster } from './roster.ts'
import { runRounds } from './rounds.ts'
import { SessionWatch } from './session-watch.ts'
import { requireSignable, requireUnchanged, termsOf, type Approve, type Decision, type Terms } from './terms.ts'

export type JoinOrder = Readonly<{
  joinToken: string
  partyId: string
  /** Asked once, when the terms are known and before this party says that it is ready. */
  approve: Approve
  onProgress?: OnProgress
  signal?: AbortSignal
}>

export type SessionOutcome =
  | SessionResult
  | Readonly<{ kind: 'failed'; reason: SessionFailure['reason']; culprits: readonly string[]; detail: string }>

/** What is known of a run at any time; grows as the run goes on. */
export type Run = {
  readonly parts: PartyParts
  readonly order: JoinOrder
  readonly sessionId: string
  readonly signal: AbortSignal
  /** Ends the run with this reason, unless it has ended. */
  readonly fail: (reason: unknown) => void
  readonly emit: (step: ProgressStep) => void
  /** Null until joined. */
  member: Member | null
  /** Null unless a stored key is used. */
  keyId: string | null
}

/** Never throws for what peers, coordinator, router or storage do: that is an outcome. */
export async function runSession(parts: PartyParts, order: JoinOrder): Promise<SessionOutcome> {
  const sessionId = sessionIdOfToken(order.joinToken)
  if (sessionId === undefined) {
    return { kind: 'failed', reason: 'join_refused', culprits: [], detail: 'this is not a join token' }
  }
  const { controller, detach } = linkedAbort(order.signal ?? new AbortController().signal)
  const run: Run = {
    parts,
    order,
    sessionId,
    signal: controller.signal,
    fail: (reason) => controller.abort(reason),
    emit: (step) => order.onProgress?.({ ...step, sessionId, partyId: order.partyId, timeMs: parts.clock.nowMs() }),
    member: null,
    keyId: null,
  }
  let leave = () => {}
  try {
    leave = parts.running.enter(sessionId, run.fail)
    return await attend(run)
  } catch (error) {
    return await giveUp(run, failureOf(error, order.signal))
  } finally {
    leave()
    detach()
    controller.abort(new SessionFailure('session_over', 'the run has ended'))
  }
}

async function attend(run: Run): Promise<SessionOutcome> {
  const { parts, order } = run
  const seed = parts.rng(32)
  const ephemeral = ephemeralKeyPair(seed)
  seed.fill(0)
  try {
    const keys = await joinKeys(run, ephemeral.publicKey)
    const partyIndex = await join(run, keys)
    const member = run.member
    if (member === null) throw new Error('joined, but no member')
    const watch = new SessionWatch(parts.transport.watchSession(member, run.signal), run.fail)
    const first = await orAborted(watch.until(() => true), run.signal)
    endInTime(run, first)
    const terms = termsOf(first, order.partyId)
    const { key, identities } = await agree(run, terms, first, keys.identityKey)
    const { log, clock, limits, transport } = parts
    const { emit, signal } = run
    const started = await gather({ transport, clock, log, startPatienceMs: limits.startPatienceMs, member, watch, emit, signal })
    requireUnchanged(terms, termsOf(started, order.partyId))
    const roster = await checkRoster(started, { partyId: order.partyId, index: partyIndex, keys }, identities)
    const context = envelopeContext(terms, roster)
    const parties = terms.partyIds
    emit({ type: 'started', parties, rosterHash: bytesToHex(roster.hash), sid: bytesToHex(context.sid) })
    const { output, received } = await compute(run, member, terms, key, roster, context, ephemeral.secret)
    const result = await conclude(run, member, terms, key, roster, output, watch)
    // Services end their streams with the session; streams that a client resets in numbers look like an attack to them.
    const settling = new AbortController()
    await Promise.race([Promise.all([received, watch.finished]), clock.sleep(streamEndMs, settling.signal).catch(() => {})])
    settling.abort()
    run.emit({ type: 'completed' })
    return result
  } finally {
    ephemeral.secret.fill(0)
  }
}

/** How long streams get to be ended by the services once the session is over. */
const streamEndMs = 1_000

async function joinKeys({ parts, sessionId, order }: Run, ephemeralKey: Uint8Array): Promise<JoinKeys> {
  const contribution = { identityKey: parts.identity.publicKey, ephemeralKey, nonce: parts.rng(32) }
  const signature = await parts.identity.sign(joinStatement({ sessionId, partyId: order.partyId, ...contribution }))
  return { ...contribution, signature }
}

/** Own number in the session. */
async function join(run: Run, keys: JoinKeys): Promise<number> {
  const { parts, order, sessionId, signal } = run
  const request = { joinToken: order.joinToken, partyId: order.partyId, ...parts.device, keys }
  await parts.journal.open(sessionId, request)
  try {
    const joined = await parts.transport.join(request, signal)
    if (joined.sessionId !== sessionId) throw new SessionFailure('join_refused', 'the coordinator answered for another session')
    run.member = { sessionId, partyId: order.partyId, credential: joined.credential }
    run.emit({ type: 'joined', partyIndex: joined.partyIndex })
    return joined.partyIndex
  } catch (error) {
    if (!(error instanceof Refusal) || error.code === 'unavailable') throw error // it may have been heard
    await parts.journal.close(sessionId)
    throw new SessionFailure('join_refused', error.message)
  }
}

/** The coordinator decides when a session expires; should it never say so, this party stops by itself. */
function endInTime(run: Run, { expiresAtMs }: SessionSnapshot): void {
  const { clock, limits } = run.parts
  const leftMs = Math.min(Math.max(expiresAtMs - clock.nowMs(), 0) + limits.clockSkewMs, limits.maxSessionMs)
  clock.sleep(leftMs, run.signal).then(
    () => run.fail(new SessionFailure('session_timed_out', 'the session did not end in its time')),
    () => undefined,
  )
}

type Agreement = Readonly<{ key: StoredKey | null; identities: ReadonlyMap<string, Uint8Array> }>

/** Own store first, then the owner's word. */
async function agree(run: Run, terms: Terms, shown: SessionSnapshot, identityKey: Uint8Array): Promise<Agreement> {
  const { parts, order } = run
  const { shares, guard, running } = parts
  let key: StoredKey | null = null
  if (terms.kind === 'sign') {
    run.keyId = terms.keyId
    running.usesKey(terms.sessionId, terms.keyId, terms.partyIds.filter((partyId) => partyId !== order.partyId))
    key = await requireSignable(terms, { partyId: order.partyId, identityKey }, shown.publicKey, shares, guard)
  } else if (await shares.has(terms.sessionId)) {
    throw new SessionFailure('key_exists', 'this session has made a key already')
  }
  const decision: Decision = await orAborted(order.approve(terms, run.signal), run.signal)
  if (decision.kind === 'decline') throw new SessionFailure(decision.reason, decision.detail)
  const members = (key?.members ?? []).map(({ partyId, identityKey: pinned }) => [partyId, pinned] as const)
  return { key, identities: new Map([...(decision.identities ?? []), ...members]) }
}

const firstEpoch = 0

function envelopeContext(terms: Terms, roster: Roster): EnvelopeContext {
  const isSign = terms.kind === 'sign'
  const sid = protocolSessionId({
    purpose: terms.kind,
    curve: 'secp256k1',
    sessionId: terms.sessionId,
    keyId: isSign ? terms.keyId : terms.sessionId,
    epoch: firstEpoch,
    derivationPath: '',
    messageHash: isSign ? terms.messageHash : new Uint8Array(0),
    threshold: terms.thresholdT,
    parties: terms.thresholdN,
    roster: roster.entries,
  })
  const protocol = isSign ? 'dkls23-sign' : 'dkls23-keygen'
  return { protocol, sessionId: terms.sessionId, sid, rosterHash: roster.hash }
}

async function compute(
  run: Run,
  member: Member,
  terms: Terms,
  key: StoredKey | null,
  roster: Roster,
  context: EnvelopeContext,
  ephemeralSecret: Uint8Array,
) {
  const { parts, sessionId, emit, fail, signal } = run
  const { transport, identity, clock, limits } = parts
  const hosted = await orAborted(parts.host.open(await taskFor(run, terms, key, roster, context.sid)), signal)
  try {
    const dropped = parts.rejections.ofSession(limits.loggedRejections)
    const { roundTimeoutMs } = limits
    const rounds = { transport, identity, clock, roundTimeoutMs, member, context, roster, ephemeralSecret, emit, dropped, fail, signal }
    return await runRounds(rounds, hosted)
  } catch (error) {
    if (error instanceof SessionFailure || error instanceof Refusal || signal.aborted) throw error
    throw new SessionFailure('execution_failed', `session ${sessionId}: the computation ended`, [], 'none', error)
  } finally {
    hosted.close()
  }
}

async function taskFor(run: Run, terms: Terms, key: StoredKey | null, roster: Roster, sid: Uint8Array): Promise<ProtocolTask> {
  const { self } = roster
  if (terms.kind === 'keygen') {
    return { protocol: 'dkls23-keygen', sid, self, threshold: terms.thresholdT, parties: terms.thresholdN }
  }
  const stored = await run.parts.shares.get(terms.keyId)
  if (stored === null || key === null) throw new SessionFailure('key_unknown', 'the share of this key is gone')
  const signers = terms.partyIds.map((partyId) => key.members.findIndex((member) => member.partyId === partyId))
  return { protocol: 'dkls23-sign', sid, self, signers, messageHash: terms.messageHash, share: stored.share }
}

/** Whatever ended the run, as a failure. */
function failureOf(error: unknown, stop: AbortSignal | undefined): SessionFailure {
  if (error instanceof SessionFailure) return error
  if (stop?.aborted === true) return new SessionFailure('party_stopped', 'this party was stopped')
  if (error instanceof StorageError) return new SessionFailure('storage_failed', error.message, [], 'none', error)
  if (error instanceof HostUnavailable) return new SessionFailure('execution_failed', error.message, [], 'none', error)
  if (!(error instanceof Refusal)) throw error
  return new SessionFailure(error.code === 'unavailable' ? 'unreachable' : 'refused', error.message, [], 'none', error)
}
