/** Stored events as callers see them: what a person wants to know of each, and the bytes that prove it. */
import { create } from '@bufbuild/protobuf'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { StoredEvent } from '../../events/event-log.ts'
import { decodeMessageEvent } from '../../events/message-event.ts'
import { BrokenChain, decodeEvent } from '../../events/session-event.ts'
import { LoggedEventSchema, type LoggedEvent } from '../../gen/mpc/coordinator/v1/session_log_pb.ts'
import type { MessageEvent } from '../../gen/mpc/events/v1/message_events_pb.ts'
import type { SessionEvent } from '../../gen/mpc/events/v1/session_events_pb.ts'

type Described = Pick<LoggedEvent, 'kind' | 'timeMs' | 'actor'> & Partial<Pick<LoggedEvent, 'toParties' | 'round'>>

/** `cursor`: what to continue after it with. An event that cannot be decoded is shown as of kind `unknown`. */
export function loggedEvent({ stream, sequence, subject, data }: StoredEvent, cursor: string): LoggedEvent {
  const described = stream === 'SESSIONS' ? describeSessionEvent(data) : describeMessage(data)
  const hash = bytesToHex(sha256(data))
  return create(LoggedEventSchema, {
    stream,
    sequence: BigInt(sequence),
    subject,
    ...(described ?? unknown),
    size: data.length,
    sha256: hash,
    data,
    cursor,
  })
}

const unknown: Described = { kind: 'unknown', timeMs: 0n, actor: '' }

/** Unix milliseconds; 0 for an event that cannot be decoded. */
export function timeOf({ stream, data }: StoredEvent): bigint {
  return (stream === 'SESSIONS' ? sessionEventOrNull(data) : decodeMessageEvent(data))?.timeMs ?? 0n
}

function describeSessionEvent(data: Uint8Array): Described | null {
  const event = sessionEventOrNull(data)
  if (event === null) return null
  return { kind: kindOf(event), timeMs: event.timeMs, actor: event.actor }
}

function describeMessage(data: Uint8Array): Described | null {
  const event = decodeMessageEvent(data)
  if (event === null) return null
  const { payload, timeMs } = event
  const kind = kindOf(event)
  switch (payload.case) {
    case 'messageRouted':
    case 'messageRefused': {
      const { fromParty, toParties, round } = payload.value
      return { kind, timeMs, actor: `party:${fromParty}`, toParties, round }
    }
    case 'subscriptionTicketIssued':
      return { kind, timeMs, actor: `party:${payload.value.partyId}` }
    case 'subscriptionTicketRedeemed':
    case undefined:
      return { kind, timeMs, actor: '' }
    default:
      return payload satisfies never
  }
}

function sessionEventOrNull(data: Uint8Array): SessionEvent | null {
  try {
    return decodeEvent(data)
  } catch (error) {
    if (error instanceof BrokenChain) return null
    throw error
  }
}

/** As in the proto file: `party_joined`. */
function kindOf({ payload }: SessionEvent | MessageEvent): string {
  return payload.case?.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) ?? 'unknown'
}
