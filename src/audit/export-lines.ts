/** The lines of an export file (docs/audit.md): JSON objects, one a line. */
import { z } from 'zod'
import type { StoredEvent } from '../events/event-log.ts'
import { maxEventBytes } from '../events/streams.ts'
import { isToken } from '../events/subjects.ts'
import { auditedStreams, type AuditedEvent, type AuditedStream } from './records.ts'

export const exportVersion = 1

/** The longest line: the largest event in base64, and what names it. */
export const maxLineBytes = 4096 + Math.ceil((4 * Math.max(...Object.values(maxEventBytes))) / 3)

const sequence = z.int().min(1).max(2 ** 40)
const lastSequence = z.strictObject({ last_sequence: z.int().min(0).max(2 ** 40) })

export const headerLine = z.object({
  format: z.literal('mpc-audit'),
  version: z.int(),
  exported_at: z.iso.datetime(),
  /** Whether it holds every event of the log up to the given sequences. */
  complete: z.boolean(),
  streams: z.object({ SESSIONS: lastSequence, MESSAGES: lastSequence, CHECKPOINTS: lastSequence.optional() }),
})
export type HeaderLine = z.infer<typeof headerLine>

const sessionLine = z.strictObject({ session: z.string().refine(isToken) })
const eventLine = z.strictObject({
  stream: z.enum(auditedStreams),
  sequence,
  subject: z.string(),
  data: z.base64(),
  /** In an export of single sessions: the path to the root of the newest checkpoint, from the leaf up. */
  proof: z.array(z.base64().length(44)).max(64).optional(),
})
const checkpointLine = z.strictObject({ checkpoint: z.strictObject({ sequence, data: z.base64() }) })
const trailerLine = z.strictObject({ events: z.int().min(0), sha256: z.hex().length(64) })

export const bodyLine = z.union([eventLine, sessionLine, checkpointLine, trailerLine])
export type BodyLine = z.infer<typeof bodyLine>

export function lineOf(value: HeaderLine | BodyLine): string {
  return `${JSON.stringify(value)}\n`
}

export function eventToLine({ sequence, subject, data, proof }: AuditedEvent, stream: AuditedStream): string {
  const proven = proof === undefined ? {} : { proof: proof.map(toBase64) }
  return lineOf({ stream, sequence, subject, data: toBase64(data), ...proven })
}

export function checkpointToLine({ sequence, data }: StoredEvent): string {
  return lineOf({ checkpoint: { sequence, data: toBase64(data) } })
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
