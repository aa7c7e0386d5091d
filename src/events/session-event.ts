/**
 * Lifecycle events as bytes and back, and the hash chain over them: each event carries the SHA-256 of the stored bytes
 * of the one before it in its session, so that changing, dropping or reordering a stored event shows.
 */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { SessionEventSchema, type SessionEvent } from '../gen/mpc/events/v1/session_events_pb.ts'
import { schemaVersion, upcast } from './schema-version.ts'

export { schemaVersion }

/** What happened, without its envelope. `case` is undefined for a kind of event that this version does not know. */
export type SessionPayload = SessionEvent['payload']

/** Who and what caused an event, and when. */
export type EventContext = Readonly<{
  /** `caller:<name>`, `party:<party_id>` or `coordinator`. */
  actor: string
  /** Id of the request. */
  causationId: string
  /** Id of the trace that the request belongs to. */
  correlationId: string
  /** Unix milliseconds. */
  timeMs: number
}>

/** Where a session's chain stands. */
export type ChainHead = Readonly<{
  /** Events so far. */
  version: number
  /** SHA-256 of the newest event's stored bytes; empty before the first. */
  hash: Uint8Array
}>

export const emptyChain: ChainHead = { version: 0, hash: new Uint8Array(0) }

/** Stored bytes are not an event, or not the next event of their chain. */
export class BrokenChain extends Error {
  override readonly name = 'BrokenChain'
}

/**
 * The next event of a session, as the bytes to store. Its id is a hash of everything else in it: two appends with the
 * same id are the same event to the last byte.
 */
export function encodeEvent(
  sessionId: string,
  head: ChainHead,
  payload: SessionPayload,
  context: EventContext,
): Readonly<{ eventId: string; bytes: Uint8Array; next: ChainHead }> {
  const event = create(SessionEventSchema, {
    sessionId,
    sessionSequence: BigInt(head.version + 1),
    timeMs: BigInt(context.timeMs),
    actor: context.actor,
    causationId: context.causationId,
    correlationId: context.correlationId,
    schemaVersion,
    previousHash: head.hash,
    payload,
  })
  event.eventId = contentId(event)
  const bytes = toBinary(SessionEventSchema, event)
  return { eventId: event.eventId, bytes, next: { version: head.version + 1, hash: sha256(bytes) } }
}

/** In the present form. Throws BrokenChain for bytes that are no event, NewerSchemaVersion. */
export function decodeEvent(bytes: Uint8Array): SessionEvent {
  return upcast(decodeStored(bytes))
}

/** As it was written: its envelope is the same in every version. Throws BrokenChain for bytes that are no event. */
export function decodeStored(bytes: Uint8Array): SessionEvent {
  try {
    return fromBinary(SessionEventSchema, bytes)
  } catch (cause) {
    throw new BrokenChain('a stored event cannot be decoded', { cause })
  }
}

/**
 * Decodes the event that follows `head` in a session. Throws BrokenChain saying what does not fit, NewerSchemaVersion.
 */
export function decodeNext(
  sessionId: string,
  head: ChainHead,
  bytes: Uint8Array,
): Readonly<{ event: SessionEvent; next: ChainHead }> {
  const { stored, next } = link(sessionId, head, bytes)
  return { event: upcast(stored), next }
}

/** The event as it was written, if it follows `head`. Throws BrokenChain. */
function link(
  sessionId: string,
  head: ChainHead,
  bytes: Uint8Array,
): Readonly<{ stored: SessionEvent; next: ChainHead }> {
  const event = decodeStored(bytes)
  const version = head.version + 1
  const complain = (what: string): never => {
    throw new BrokenChain(`event ${version} of session ${sessionId} ${what}`)
  }
  if (event.sessionId !== sessionId) complain('belongs to another session')
  if (event.sessionSequence !== BigInt(version)) complain(`is numbered ${event.sessionSequence}`)
  if (bytesToHex(event.previousHash) !== bytesToHex(head.hash)) complain('does not follow from the event before it')
  return { stored: event, next: { version, hash: sha256(bytes) } }
}

export type ChainVerdict =
  | Readonly<{ kind: 'intact'; head: ChainHead }>
  | Readonly<{ kind: 'broken'; version: number; reason: string }>

/**
 * Checks the stored events of one session, oldest first. `expected`, where given, is a chain head that somebody kept:
 * a chain that is intact in itself but does not contain it was rewritten or cut short.
 */
export async function verifyChain(
  sessionId: string,
  events: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  expected: ChainHead = emptyChain,
): Promise<ChainVerdict> {
  let head = emptyChain
  try {
    for await (const bytes of events) {
      const { stored: event, next } = link(sessionId, head, bytes)
      if (event.eventId !== contentId(event)) throw new BrokenChain('the event id is not the hash of the event')
      if (next.version === expected.version && bytesToHex(next.hash) !== bytesToHex(expected.hash)) {
        throw new BrokenChain('the event is not the one that was kept')
      }
      head = next
    }
  } catch (error) {
    if (!(error instanceof BrokenChain)) throw error
    return { kind: 'broken', version: head.version + 1, reason: error.message }
  }
  if (head.version < expected.version) {
    return { kind: 'broken', version: head.version + 1, reason: 'the event is missing' }
  }
  return { kind: 'intact', head }
}

/** 32 hex digits: half of the SHA-256 over the event without its id. */
function contentId(event: SessionEvent): string {
  return bytesToHex(sha256(toBinary(SessionEventSchema, { ...event, eventId: '' })).subarray(0, 16))
}
