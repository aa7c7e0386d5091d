/**
 * An export as a source for audits. It is read from begin to end, with one session in memory; whatever follows a line
 * that is none is not read.
 */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { StoredEvent } from '../events/event-log.ts'
import { checkpoints } from '../events/subjects.ts'
import { bodyLine, exportVersion, headerLine, maxLineBytes, type BodyLine } from './export-lines.ts'
import { BadLine, linesOf, type TextLine } from './text-lines.ts'
import type { AuditedEvent, AuditSource, Finding, SessionRecords } from './records.ts'

/** Not an export at all: nothing can be said about a log. */
export class UnreadableExport extends Error {
  override readonly name = 'UnreadableExport'
}

/** More than the router lets a session have by default, by far: a session has to fit into memory. */
const maxSessionBytes = 512 * 1024 * 1024

/** Throws UnreadableExport. */
export async function openExport(path: string): Promise<AuditSource> {
  const lines = linesOf(createReadStream(path), maxLineBytes)
  const header = await firstLine(lines, path)
  const problems: Finding[] = []
  const blame = (line: number, reason: string) =>
    problems.push({ kind: 'tampered', stream: 'FILE', sequence: line, sessionId: null, reason })
  const { complete, streams, exported_at: exportedAt } = header.value
  const hash = createHash('sha256').update(header.bytes)
  const { stored, rest } = await readCheckpoints(untilBad(lines, blame), hash)
  return {
    complete,
    extent: { SESSIONS: streams.SESSIONS.last_sequence, MESSAGES: streams.MESSAGES.last_sequence },
    takenAtMs: Date.parse(exportedAt),
    checkpoints: stored,
    sessions: () => readSessions(rest, hash, blame, 1 + stored.length),
    problems: () => problems,
  }
}

async function firstLine(lines: AsyncIterator<TextLine>, path: string) {
  try {
    const first = await lines.next()
    const value = headerLine.safeParse(first.done === true ? null : JSON.parse(first.value.text))
    if (first.done === true || !value.success) throw new UnreadableExport(`${path} is no audit export`)
    const { version } = value.data
    if (version !== exportVersion) throw new UnreadableExport(`${path} has version ${version}: a later mpc can read it`)
    return { value: value.data, bytes: first.value.bytes }
  } catch (error) {
    if (error instanceof UnreadableExport) throw error
    const isNone = error instanceof SyntaxError || error instanceof BadLine
    if (isNone) throw new UnreadableExport(`${path} is no audit export`)
    throw new UnreadableExport(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** The checkpoints come first; `rest` are the lines after them. */
async function readCheckpoints(
  lines: AsyncGenerator<TextLine>,
  hash: Hash,
): Promise<Readonly<{ stored: readonly StoredEvent[]; rest: AsyncIterable<TextLine> }>> {
  const stored: StoredEvent[] = []
  for (;;) {
    const next = await lines.next()
    const value = next.done === true ? null : parse(next.value)
    if (next.done === true || value === null || !('checkpoint' in value)) {
      return { stored, rest: startingWith(next, lines) }
    }
    hash.update(next.value.bytes)
    const { sequence, data } = value.checkpoint
    stored.push({ stream: 'CHECKPOINTS', sequence, subject: checkpoints, data: Buffer.from(data, 'base64') })
  }
}

async function* startingWith(
  first: IteratorResult<TextLine>,
  lines: AsyncIterable<TextLine>,
): AsyncGenerator<TextLine> {
  if (first.done === true) return
  yield first.value
  yield* lines
}

/** `before`: number of the last line before these. */
async function* readSessions(
  lines: AsyncIterable<TextLine>,
  hash: Hash,
  blame: (line: number, reason: string) => void,
  before: number,
): AsyncGenerator<SessionRecords> {
  let session: OpenSession | null = null
  let events = 0
  let last = before
  let isEnded = false
  for await (const line of lines) {
    last = line.number
    const value = parse(line)
    if (value === null || isEnded) {
      blame(line.number, isEnded ? 'it follows the end of the export' : 'it is no line of an export')
      break
    }
    if ('sha256' in value) {
      isEnded = true
      if (value.events !== events) blame(line.number, `it counts ${value.events} events, there are ${events}`)
      const isSame = value.sha256 === hash.copy().digest('hex')
      if (!isSame) blame(line.number, 'the lines before it are not what was exported')
      continue
    }
    hash.update(line.bytes)
    if ('session' in value) {
      if (session !== null) yield session.records
      session = new OpenSession(value.session)
    } else if ('checkpoint' in value || session === null || !session.take(value)) {
      blame(line.number, 'an event out of place')
      break
    } else {
      events += 1
    }
  }
  if (session !== null) yield session.records
  if (!isEnded) blame(last, 'the export ends without its last line: it was cut short')
}

/** Collects the events of the session that is being read. */
class OpenSession {
  readonly #lifecycle: AuditedEvent[] = []
  readonly #messages: AuditedEvent[] = []
  readonly #sessionId: string
  #bytes = 0

  constructor(sessionId: string) {
    this.#sessionId = sessionId
  }

  /** False where it cannot be here: lifecycle events come first. */
  take({ stream, sequence, subject, data, proof }: Extract<BodyLine, { stream: string }>): boolean {
    const proven = proof === undefined ? {} : { proof: proof.map((node) => Buffer.from(node, 'base64')) }
    const event: AuditedEvent = { stream, sequence, subject, data: Buffer.from(data, 'base64'), ...proven }
    this.#bytes += event.data.length
    if (this.#bytes > maxSessionBytes || (stream === 'SESSIONS' && this.#messages.length > 0)) return false
    const events = stream === 'SESSIONS' ? this.#lifecycle : this.#messages
    events.push(event)
    return true
  }

  get records(): SessionRecords {
    return { sessionId: this.#sessionId, lifecycle: this.#lifecycle, messages: this.#messages }
  }
}

/** Ends, with blame, where a line is too long or the file cannot be read on. */
async function* untilBad(
  lines: AsyncIterable<TextLine>,
  blame: (line: number, reason: string) => void,
): AsyncGenerator<TextLine> {
  try {
    yield* lines
  } catch (error) {
    if (!(error instanceof BadLine)) throw error
    blame(error.line, error.message)
  }
}

function parse({ text }: TextLine): BodyLine | null {
  try {
    const parsed = bodyLine.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : null
  } catch {
    return null
  }
}
