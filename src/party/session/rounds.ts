/** Drives one execution round by round over the router: seals and sends, opens and collects, in bounded time. */
import { sha256 } from '@noble/hashes/sha2.js'
import type { Outbound, Step } from '../../crypto/protocol.ts'
import { orAborted, within } from '../abort.ts'
import type { Clock } from '../clock.ts'
import { openEnvelope, sealEnvelope, type EnvelopeContext } from '../envelope.ts'
import type { HostedRun, ProtocolOutput } from '../execution/execution-host.ts'
import { abortFailure, SessionFailure } from '../failure.ts'
import type { Identity } from '../../identity/identity-key.ts'
import type { WitnessedMessage } from '../../identity/witness.ts'
import type { ProgressStep, Sent } from '../progress.ts'
import type { IncomingMessage, Member, PartyTransport } from '../transport/party-transport.ts'
import { Inbox } from './inbox.ts'
import type { Drop } from './rejections.ts'
import type { Roster } from './roster.ts'

export type RoundsParts = Readonly<{
  transport: PartyTransport
  identity: Identity
  clock: Clock
  roundTimeoutMs: number
  member: Member
  context: EnvelopeContext
  roster: Roster
  /** X25519 secret of this session. */
  ephemeralSecret: Uint8Array
  emit: (step: ProgressStep) => void
  dropped: (drop: Drop) => void
  /** Ends the run. */
  fail: (reason: unknown) => void
  signal: AbortSignal
}>

export type RoundsResult = Readonly<{
  output: ProtocolOutput
  /** What it was computed from. */
  witnessed: readonly WitnessedMessage[]
  /** Settles when the subscription has ended. */
  received: Promise<void>
}>

/** Runs to the end. @throws SessionFailure */
export async function runRounds(parts: RoundsParts, run: HostedRun): Promise<RoundsResult> {
  const { roster, signal } = parts
  const partyIds = roster.entries.map(({ partyId }) => partyId)
  const inbox = new Inbox(roster.entries.map(({ index }) => index).filter((index) => index !== roster.self))
  const received = receive(parts, inbox).catch(parts.fail)
  let step: Step<ProtocolOutput> = await orAborted(run.start(), signal)
  while (step.kind === 'next') step = await runRound(parts, run, inbox, step)
  if (step.kind === 'abort') throw abortFailure(step, parts.context.protocol, partyIds)
  const witnessed = inbox.consumed().map((message) => ({ ...message, from: partyIds[message.from] ?? '' }))
  return { output: step.result, witnessed, received }
}

async function runRound(
  parts: RoundsParts,
  run: HostedRun,
  inbox: Inbox,
  step: Step<ProtocolOutput> & Readonly<{ kind: 'next' }>,
): Promise<Step<ProtocolOutput>> {
  const { clock, roundTimeoutMs, signal, emit, roster } = parts
  const { round, expect } = step
  const partyIdAt = (position: number): string => roster.entries[position]?.partyId ?? ''
  const timedOut = () => {
    const late = inbox.missing().map(partyIdAt)
    return new SessionFailure('round_timed_out', `round ${round}: still waiting for ${late.join(', ') || 'the router'}`)
  }
  const { inbound, received } = await within(clock, roundTimeoutMs, signal, timedOut, async (roundSignal) => {
    const collecting = inbox.collect(expect)
    const sent = await Promise.all(step.outbound.map((message) => send(parts, round, message, roundSignal)))
    if (sent.length > 0) emit({ type: 'round', round, phase: 'sent', sent })
    return collecting
  })
  const from = received.map(({ from, bytes }) => ({ from: partyIdAt(from), bytes }))
  emit({ type: 'round', round, phase: 'received', received: from })
  return unlessCheated(run.receive(expect.round, inbound), signal)
}

/**
 * The step, or the reason why the session has ended meanwhile; but a check that a peer has failed by then counts all
 * the same. Whoever can end sessions could otherwise let that peer guess at OT state for as long as it likes, and see
 * how a check goes by the time that the next one has to wait.
 */
async function unlessCheated(
  step: Promise<Step<ProtocolOutput>>,
  signal: AbortSignal,
): Promise<Step<ProtocolOutput>> {
  try {
    return await orAborted(step, signal)
  } catch (reason) {
    const late = await step.catch(() => undefined)
    if (late?.kind === 'abort' && late.severity === 'ban') return late
    throw reason
  }
}

async function send(parts: RoundsParts, round: number, message: Outbound, signal: AbortSignal): Promise<Sent> {
  const { roster, member, identity, context } = parts
  const recipient = message.kind === 'direct' ? roster.entries[message.to] : undefined
  const to = recipient?.partyId ?? null
  const address = { round, from: member.partyId, to }
  let payload: Uint8Array
  try {
    payload = await sealEnvelope(context, address, message.body, {
      identity,
      recipientKey: recipient?.ephemeralKey ?? null,
    })
  } catch (cause) {
    // Signing and hashing do not fail; sealing does for a key of small order, which only its owner can have put there.
    throw new SessionFailure(
      'ephemeral_key_invalid',
      `cannot seal to ${to ?? 'everyone'}`,
      to === null ? [] : [to],
      'none',
      cause,
    )
  }
  await parts.transport.route(member, { round, to, payload }, signal)
  return { to: to ?? 'all', bytes: payload.length }
}

async function receive(parts: RoundsParts, inbox: Inbox): Promise<void> {
  const { transport, member, signal } = parts
  for await (const message of transport.subscribe(member, signal)) await take(parts, inbox, message)
}

/** Everything that is wrong with a message is recorded and dropped: the sender may not be the one who sent it. */
async function take(parts: RoundsParts, inbox: Inbox, message: IncomingMessage): Promise<void> {
  const { context, roster, member, ephemeralSecret } = parts
  const { from, round, payload } = message
  const drop = (reason: Drop['reason']) => parts.dropped({ sessionId: context.sessionId, from, round, reason })
  if (inbox.isTooEarly(round)) return drop('too-early')
  const entryOf = (partyId: string) => roster.entries.find((entry) => entry.partyId === partyId)
  const opened = await openEnvelope(context, message, {
    partyId: member.partyId,
    ephemeralSecret,
    identityKeyOf: (partyId) => entryOf(partyId)?.identityKey,
  })
  if (opened.kind === 'rejected') return drop(opened.reason)
  const sender = entryOf(from)
  if (sender === undefined) return drop('wrong-sender')
  const { channel, body, digest } = opened
  const { length: bytes } = payload
  const payloadHash = sha256(payload)
  const verdict = inbox.accept({ round, from: sender.index, channel, body, digest, bytes, payloadHash })
  if (verdict === 'conflict') drop('equivocation')
  if (verdict === 'too-early') drop('too-early')
}
