/**
 * A slot is what a party may fill once: (session, round, from, to). A broadcast and a message to named parties are
 * different slots, even when the names are all the others. The id of the stored event is a function of its slot, so
 * that the log itself decides between two routers that store at the same time.
 */
import { createHash } from 'node:crypto'
import { everyone, messageSubject } from './subjects.ts'

export type Slot = Readonly<{
  sessionId: string
  round: number
  from: string
  /** Sorted; empty means everyone else. */
  to: readonly string[]
}>

export function slotOf(sessionId: string, round: number, from: string, to: readonly string[]): Slot {
  return { sessionId, round, from, to: [...to].sort() }
}

/** Names the slot within its session. Ids hold neither dots nor commas, so no two slots share a key. */
export function slotKey(slot: Pick<Slot, 'round' | 'from' | 'to'>): string {
  return `${slot.round}.${slot.from}.${slot.to.join(',')}`
}

/** The id under which the log removes duplicates of the message in this slot. */
export function messageId(slot: Slot): string {
  return digest(`mpc-system/v1/message-slot ${slot.sessionId} ${slotKey(slot)}`)
}

/** The id of the record that this payload was refused. `payloadHash` as hex. */
export function refusalId(slot: Slot, payloadHash: string): string {
  return digest(`mpc-system/v1/message-refused ${slot.sessionId} ${slotKey(slot)} ${payloadHash}`)
}

/** One named recipient has a subject of its own; everything else lies under "all". */
export function slotSubject(slot: Slot): string {
  const [recipient] = slot.to
  return messageSubject(slot.sessionId, recipient !== undefined && slot.to.length === 1 ? recipient : everyone)
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
