/** The NATS client protocol as far as appends to the event log and their acknowledgements go. */
import { decodeMessageEvent } from '../../../src/events/message-event.ts'
import { decodeEvent } from '../../../src/events/session-event.ts'
import { splitter, type Tap } from './tapped-relay.ts'

/** An append that the server has acknowledged, whether or not the service came to hear of it. */
export type Acked = Readonly<{ stream: string; sequence: number; subject: string; data: Buffer }>

type Append = Readonly<{ step: string; subject: string; data: Buffer }>

/** JSStreamWrongLastSequenceErrF and its variant from 2.12 on. */
const wrongLastSequence: readonly number[] = [10071, 10164]

const lineEnd = '\r\n'

/** Steps: `append …` when a service asks for it, `appended …` when the server has answered. */
export function natsTap(onAck: (acked: Acked) => void, onConflict: () => void = () => undefined): Tap {
  const asked = new Map<string, Append>()
  const up = (message: Buffer): string | null => {
    const [verb, subject = '', ...tokens] = head(message)
    if (verb !== 'HPUB' || !/^mpc\.(session|message)\./.test(subject)) return null
    const [reply = '', headerBytes, totalBytes] = tokens
    const body = message.length - lineEnd.length - Number(totalBytes) + Number(headerBytes)
    const data = Buffer.from(message.subarray(body, message.length - lineEnd.length))
    const step = eventName(subject, data)
    asked.set(reply, { step, subject, data })
    return `append ${step}`
  }
  const down = (message: Buffer): string | null => {
    const [verb, inbox = ''] = head(message)
    const append = verb === 'MSG' ? asked.get(inbox) : undefined
    if (append === undefined) return null
    asked.delete(inbox)
    const start = message.indexOf(lineEnd) + lineEnd.length
    // The server's answer to a publish: a position, or an error.
    const ack = JSON.parse(message.toString('utf8', start, message.length - lineEnd.length)) as {
      stream?: string
      seq?: number
      duplicate?: boolean
      error?: { err_code?: number }
    }
    if (wrongLastSequence.includes(ack.error?.err_code ?? 0)) onConflict()
    if (ack.error !== undefined || ack.stream === undefined || ack.seq === undefined) return null
    const { subject, data, step } = append
    if (ack.duplicate !== true) onAck({ stream: ack.stream, sequence: ack.seq, subject, data })
    return `appended ${step}`
  }
  return { up: splitter(measure, up), down: splitter(measure, down) }
}

function head(message: Buffer): readonly string[] {
  return message.toString('latin1', 0, message.indexOf(lineEnd)).split(/\s+/)
}

/** A line; after the lines that announce one, a payload too. */
function measure(bytes: Buffer): number | null {
  const end = bytes.indexOf(lineEnd)
  if (end < 0) return null
  const tokens = bytes.toString('latin1', 0, end).split(/\s+/)
  const line = end + lineEnd.length
  const hasPayload = ['PUB', 'HPUB', 'MSG', 'HMSG'].includes(tokens[0]?.toUpperCase() ?? '')
  return hasPayload ? line + Number(tokens.at(-1)) + lineEnd.length : line
}

/** What is appended, without anything that differs from session to session. */
function eventName(subject: string, data: Buffer): string {
  if (subject.startsWith('mpc.message.')) {
    const payload = decodeMessageEvent(data)?.payload
    if (payload?.case !== 'messageRouted') return payload?.case ?? 'unknown'
    const { round, fromParty, toParties } = payload.value
    return `message of round ${round}, ${fromParty} to ${toParties.join(' ') || 'all'}`
  }
  const { payload } = decodeEvent(data)
  const { value } = payload
  return value !== undefined && 'partyId' in value ? `${payload.case} ${value.partyId}` : (payload.case ?? 'unknown')
}
