/**
 * One party's part in one session, from the join to the end. The order of the steps is the point: journal before join,
 * agreement and spent approvals before ready, roster before any computation, share on disk before the report, bans on
 * disk before the report.
 */
import { bytesToHex } from '@noble/hashes/utils.js'
import { publicKeyHex } from '../../crypto/public-key.ts'
import { Refusal } from '../../edge/refusal.ts'
import { ephemeralKeyPair } from '../../identity/seal.ts'
import { linkedAbort, orAborted } from '../abort.ts'
import type { Clock } from '../clock.ts'
import { HostUnavailable } from '../execution/execution-host.ts'
import { SessionFailure } from '../failure.ts'
import { sessionIdOfToken } from '../join-token.ts'
import type { PartyParts } from '../party-parts.ts'
import type { ProgressEvent } from '../progress.ts'
import { StorageError } from '../store/records.ts'
import type { StoredKey } from '../store/share-store.ts'
import type { SessionSnapshot } from '../transport/party-transport.ts'
import { countSignature, requireAllowed, requireInForce } from './authorise.ts'
import { compute, envelopeContext } from './compute.ts'
import { conclude } from './conclude.ts'
import { confirmIdentities, fingerprintsOf } from './confirm.ts'
import { gather } from './gather.ts'
import { giveUp } from './give-up.ts'
import { join } from './join.ts'
import { agreedPins, knownPins, requireOwnDevices, type PinSource } from './pins.ts'
import { checkRoster } from './roster.ts'
import type { JoinOrder, Run, SessionOutcome, SessionResult } from './run.ts'
import { SessionWatch } from './session-watch.ts'
import { requireSignable, requireUnchanged, termsOf, type Decision, type Terms } from './terms.ts'

/** Never throws for what peers, coordinator, router or storage do: that is an outcome. */
export async function runSession(parts: PartyParts, order: JoinOrder): Promise<SessionOutcome> {
  const sessionId = sessionIdOfToken(order.joinToken)
  if (sessionId === undefined) {
    return { kind: 'failed', reason: 'join_refused', culprits: [], detail: 'this is not a join token' }
  }
  const { controller, detach } = linkedAbort(order.signal ?? new AbortController().signal)
  const end = () => controller.abort(new SessionFailure('session_over', 'the run has ended'))
  const run: Run = {
    parts,
    order,
    sessionId,
    signal: controller.signal,
    fail: (reason) => controller.abort(reason),
    emit: (step) => tell(parts, order, { ...step, sessionId, partyId: order.partyId, timeMs: parts.clock.nowMs() }),
    member: null,
    keyId: null,
  }
  let leave = () => {}
  try {
    leave = parts.running.enter(sessionId, run.fail)
    const { result, streams } = await attend(run)
    void endStreams(parts.clock, streams).finally(end)
    return result
  } catch (error) {
    end()
    return await giveUp(run, failureOf(error, order.signal))
  } finally {
    leave()
    detach()
  }
}

/** Whoever watches a run does not decide how it goes. */
function tell({ log }: PartyParts, { onProgress }: JoinOrder, event: ProgressEvent): void {
  try {
    onProgress?.(event)
  } catch (error) {
    const problem = error instanceof Error ? error.message : 'unknown'
    log.warn({ sessionId: event.sessionId, type: event.type, problem }, 'a progress callback failed')
  }
}

type Attended = Readonly<{ result: SessionResult; streams: readonly Promise<void>[] }>

async function attend(run: Run): Promise<Attended> {
  const { parts, order, emit, signal } = run
  const { transport, clock, log, limits } = parts
  const seed = parts.rng(32)
  const ephemeral = ephemeralKeyPair(seed)
  seed.fill(0)
  try {
    const { member, partyIndex, keys } = await join(run, ephemeral.publicKey)
    const watch = new SessionWatch(transport.watchSession(member, signal), run.fail)
    const shown = watch.until(() => true)
    const first = await orAborted(shown, signal)
    endInTime(run, first)
    const terms = termsOf(first, order.partyId)
    const { key, pins } = await agree(run, terms, first, keys.identityKey)
    const confirmed = await confirmIdentities(run, watch)
    const { startPatienceMs } = limits
    const started = await gather({ transport, clock, log, startPatienceMs, member, watch, emit, signal })
    requireUnchanged(terms, termsOf(started, order.partyId))
    if (terms.kind === 'sign' && key !== null) await requireInForce(parts, terms, key)
    const identities = agreedPins([...pins, confirmed, ...knownPins(run, started, key)])
    requireOwnDevices(started, parts.peers)
    const roster = await checkRoster(started, { partyId: order.partyId, index: partyIndex, keys }, identities)
    const context = envelopeContext(terms, roster)
    const hex = { rosterHash: bytesToHex(roster.hash), sid: bytesToHex(context.sid) }
    emit({ type: 'started', parties: terms.partyIds, fingerprints: fingerprintsOf(roster), ...hex })
    const agreed = { member, terms, key, roster }
    const { output, witnessed, received } = await compute(run, agreed, context, ephemeral.secret)
    const result = await conclude(run, agreed, output, witnessed, watch)
    emit({ type: 'completed' })
    return { result, streams: [received, watch.finished] }
  } finally {
    ephemeral.secret.fill(0)
  }
}

const streamEndMs = 1_000

/**
 * Services end their streams with the session, and get a moment to do so: streams that a client resets in numbers look
 * like an attack to them.
 */
async function endStreams(clock: Clock, streams: readonly Promise<void>[]): Promise<void> {
  const ended = new AbortController()
  await Promise.race([Promise.all(streams), clock.sleep(streamEndMs, ended.signal).catch(() => undefined)])
  ended.abort()
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

type Agreement = Readonly<{ key: StoredKey | null; pins: readonly PinSource[] }>

/** Own store first, then the key's policy, then the owner's word; what all this cost is on disk before `ready`. */
async function agree(run: Run, terms: Terms, shown: SessionSnapshot, identityKey: Uint8Array): Promise<Agreement> {
  const { parts, order } = run
  const { shares, guard, running } = parts
  let key: StoredKey | null = null
  let asked = terms
  if (terms.kind === 'sign') {
    run.keyId = terms.keyId
    running.usesKey(
      terms.sessionId,
      terms.keyId,
      terms.partyIds.filter((partyId) => partyId !== order.partyId),
    )
    key = await requireSignable(terms, { partyId: order.partyId, identityKey }, shown.publicKey, shares, guard)
    asked = { ...terms, publicKey: publicKeyHex(key.publicKey) }
    await requireAllowed(parts, asked, key)
  } else if (await shares.has(terms.sessionId)) {
    throw new SessionFailure('key_exists', 'this session has made a key already')
  }
  const pins = knownPins(run, shown, key)
  agreedPins(pins)
  const decision: Decision = await orAborted(order.approve(asked, run.signal), run.signal)
  if (decision.kind === 'decline') throw new SessionFailure(decision.reason, decision.detail)
  const approved = { name: "this party's owner", pins: decision.identities ?? new Map<string, Uint8Array>() }
  agreedPins([...pins, approved])
  if (asked.kind === 'sign' && key !== null) await countSignature(parts, asked, key)
  return { key, pins: [...pins, approved] }
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
