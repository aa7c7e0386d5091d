/** What only checkpoints show: a real store, or an export, whose every session is in order, and which was changed. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkLog } from '../../../src/audit/check-log.ts'
import { createCheckpointWitness, type CheckpointOptions } from '../../../src/audit/checkpoint-witness.ts'
import { selectSessions } from '../../../src/audit/live-log.ts'
import { openProver } from '../../../src/audit/log-prover.ts'
import { openExport } from '../../../src/audit/read-export.ts'
import type { AuditSource } from '../../../src/audit/records.ts'
import { exportLines } from '../../../src/audit/write-export.ts'
import { openLogReader } from '../../../src/events/log-reader.ts'
import { sessionIdOf } from '../../../src/events/subjects.ts'
import { MessageEventSchema } from '../../../src/gen/mpc/events/v1/message_events_pb.ts'
import { identityFromSeed } from '../../../src/identity/identity-key.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { checkpointed, identity, type Checkpointed } from './checkpointed-log.ts'
import { inExport, openStore, recordedLog, type Raw, type RawLog, type Store } from './tampered-store.ts'
import { rewrittenChain, withoutEnd, withoutSession } from './tampering.ts'

const stranger = await identityFromSeed(new Uint8Array(32).fill(2))

let nats: TestNats
let store: Store
let folder: string
let log: Checkpointed

beforeAll(async () => {
  nats = await startNats()
  store = await openStore(nats.url)
  folder = await mkdtemp(join(tmpdir(), 'mpc-checkpoints-'))
  log = await checkpointed(await recordedLog(), [[8, 6], [12, 24], [21, 30]])
})
afterAll(async () => {
  await store.close()
  await nats.stop()
  await rm(folder, { recursive: true, force: true })
})

async function judged(source: AuditSource, options: CheckpointOptions) {
  const witness = await createCheckpointWitness(source, options)
  const report = await checkLog(source, { witness })
  return { ...report, summary: witness.summary() }
}

async function bothWays(raw: RawLog, options: CheckpointOptions = { coordinatorKeys: [identity.publicKey] }) {
  const live = await store.holding(raw, (source) => judged(source, options))
  return [live, await judged(await inExport(raw, join(folder, 'export')), options)]
}

const kept = (of: Checkpointed, keeper = 'Postgres') => ({
  keeper,
  checkpoints: of.CHECKPOINTS.map(({ data }, index) => ({ sequence: index + 1, data })),
})

test('a log that is as its checkpoints say is intact, and told how far it is covered', async () => {
  const events = log.SESSIONS.length + log.MESSAGES.length
  for (const options of [{}, { coordinatorKeys: [identity.publicKey], kept: [kept(log)] }]) {
    for (const { verdict, findings, summary } of await bothWays(log, options)) {
      expect({ verdict, findings }).toEqual({ verdict: 'intact', findings: [] })
      expect(summary).toMatch(`checkpoint 3 of 1970-01-01T00:00:03.000Z covers ${21 + 30} of ${events} events`)
      expect(summary).toMatch(Buffer.from(identity.publicKey).toString('hex'))
      expect(/taken from the first/.test(summary)).toBe(!('kept' in options))
    }
  }
})

/** Its time is nobody's statement, and its event id is that of its slot: no rule of a session tells. */
function messageEdited(of: Checkpointed): RawLog {
  return {
    ...of,
    MESSAGES: of.MESSAGES.map((raw, index) => {
      if (index !== 9) return raw
      const event = fromBinary(MessageEventSchema, raw.data)
      return { ...raw, data: toBinary(MessageEventSchema, { ...event, correlationId: 'edited' }) }
    }),
  }
}

const exchanged = ({ MESSAGES, ...of }: Checkpointed): RawLog => {
  const [first, second, ...rest] = MESSAGES
  if (first === undefined || second === undefined) throw new Error('no messages')
  return { ...of, MESSAGES: [second, first, ...rest] }
}

describe('an audit finds with checkpoints, in a real store and in an export,', () => {
  const cases = [
    { what: 'a chain rewritten as a whole', change: rewritten, stream: 'SESSIONS', sequence: 1, reason: /up to 8 are not/ },
    { what: 'a message edited beside its envelope', change: messageEdited, stream: 'MESSAGES', sequence: 7, reason: /up to 24 are not/ },
    { what: 'two messages of a round exchanged', change: exchanged, stream: 'MESSAGES', sequence: 1, reason: /up to 6 are not/ },
    { what: 'a whole session dropped', change: withoutLastSession, stream: 'SESSIONS', sequence: 13, reason: /covers 21 events: the end/ },
    { what: 'the end of a chain cut off', change: withoutLastEvent, stream: 'SESSIONS', sequence: 9, reason: /up to 12 are not/ },
    { what: 'the tail of the messages cut off', change: withoutTail, stream: 'MESSAGES', sequence: 30, reason: /covers 30 events: the end/ },
    { what: 'the first session dropped and the rest moved up', change: withoutFirstSession, stream: 'SESSIONS', sequence: 1, reason: /up to 8 are not/ },
  ] as const
  test.for(cases)('$what', async ({ change, stream, sequence, reason }) => {
    for (const { verdict, findings } of await bothWays(change(log))) {
      expect(verdict).toBe('tampered')
      const expected = { kind: 'tampered', stream, sequence, reason: expect.stringMatching(reason) }
      expect(findings).toContainEqual(expect.objectContaining(expected))
    }
  })

  function rewritten(of: Checkpointed): RawLog {
    return { ...rewrittenChain(of), CHECKPOINTS: of.CHECKPOINTS }
  }
  function withoutLastSession(of: Checkpointed): RawLog {
    return { ...withoutSession(of, 20), CHECKPOINTS: of.CHECKPOINTS }
  }
  function withoutTail(of: Checkpointed): RawLog {
    return { ...of, MESSAGES: of.MESSAGES.slice(0, 29) }
  }
  function withoutFirstSession(of: Checkpointed): RawLog {
    return { ...withoutSession(of, 0), CHECKPOINTS: of.CHECKPOINTS }
  }
  function withoutLastEvent(of: Checkpointed): RawLog {
    return { ...withoutEnd(of), CHECKPOINTS: of.CHECKPOINTS }
  }
})

describe('a chain of checkpoints', () => {
  const expectFound = async (raw: RawLog, options: CheckpointOptions, sequence: number, reason: RegExp) => {
    for (const { verdict, findings } of await bothWays(raw, options)) {
      expect(verdict).toBe('tampered')
      const found = { stream: 'CHECKPOINTS', sequence, reason: expect.stringMatching(reason) }
      expect(findings).toContainEqual(expect.objectContaining(found))
    }
  }
  const trusting = { coordinatorKeys: [identity.publicKey] }

  test('with one changed, dropped, exchanged or forged is found out', async () => {
    const [one, two, three] = log.CHECKPOINTS as [Raw, Raw, Raw]
    const changed = { ...two, data: Uint8Array.from(two.data, (byte, i) => (i === two.data.length - 1 ? byte ^ 1 : byte)) }
    await expectFound({ ...log, CHECKPOINTS: [one, changed, three] }, trusting, 2, /not signed by the coordinators/)
    await expectFound({ ...log, CHECKPOINTS: [one, three] }, trusting, 2, /is numbered 3/)
    await expectFound({ ...log, CHECKPOINTS: [two, one, three] }, trusting, 1, /is numbered 2/)
    await expectFound(await checkpointed(log, [[12, 24]], stranger), trusting, 1, /key that is not trusted/)
  })

  test('forked by the owner of the key does not agree with what others have kept', async () => {
    const fork = await checkpointed(log, [[8, 6], [12, 25], [21, 30]])
    const options = { ...trusting, kept: [kept(log)] }
    await expectFound(fork, options, 2, /not the one that Postgres has: there are two histories/)
    for (const { verdict } of await bothWays(fork, trusting)) expect(verdict).toBe('intact')
  })

  test('cut off with the log that it covers is missed by whoever has kept it, unless the audit is older', async () => {
    const short: RawLog = { ...withoutSession(log, 20), CHECKPOINTS: log.CHECKPOINTS.slice(0, 2) }
    for (const { verdict } of await bothWays(short, trusting)) expect(verdict).toBe('intact')
    await expectFound(short, { ...trusting, kept: [kept(log, 'earlier.jsonl')] }, 3, /earlier.jsonl has it: the end of the log/)
    const source = await inExport(short, join(folder, 'older'))
    const older = { ...source, takenAtMs: 2500 }
    expect(await judged(older, { ...trusting, kept: [kept(log)] })).toMatchObject({ verdict: 'intact' })
  })

  test('that is not there cannot be judged by who expects it', async () => {
    const { CHECKPOINTS: _, ...bare } = log
    for (const { verdict } of await bothWays(bare)) expect(verdict).toBe('unjudged')
    for (const { verdict, summary } of await bothWays(bare, {})) {
      expect(verdict).toBe('intact')
      expect(summary).toMatch('no checkpoints')
    }
  })
})

describe('an export of one session', () => {
  async function exported(of: RawLog): Promise<string> {
    return store.holding(of, async () => {
      const reader = await openLogReader({ url: nats.url, name: 'auditor' })
      try {
        const sessionId = sessionIdOf(log.SESSIONS[20]!.subject)!
        const source = await selectSessions(reader, [sessionId], Date.now())
        let text = ''
        for await (const line of exportLines(source, await openProver(reader, source.checkpoints))) text += line
        return text
      } finally {
        await reader.close()
      }
    })
  }
  const judgedText = async (text: string) => {
    const file = join(folder, 'part')
    await writeFile(file, text)
    return judged(await openExport(file), { coordinatorKeys: [identity.publicKey], expectsProofs: true })
  }
  /** With a last line that fits. */
  const resealed = (lines: readonly string[]) => {
    const body = lines.map((line) => `${line}\n`).join('')
    const events = lines.filter((line) => line.startsWith('{"stream"')).length
    return `${body}${JSON.stringify({ events, sha256: createHash('sha256').update(body).digest('hex') })}\n`
  }

  test('proves that each event is in the log that the checkpoint covers', async () => {
    const text = await exported(log)
    const report = await judgedText(text)
    expect(report).toMatchObject({ verdict: 'intact', findings: [] })
    const covered = 21 + 30
    expect(report.summary).toMatch(`covers ${covered} of ${report.events} events`)
    expect(text.split('\n').filter((line) => line.includes('"proof"'))).toHaveLength(covered)
  })

  test('with an event that the log did not have is found out', async () => {
    const lines = (await exported(log)).trimEnd().split('\n').slice(0, -1)
    const index = lines.findIndex((line) => line.startsWith('{"stream":"MESSAGES"'))
    const line = JSON.parse(lines[index]!) as { data: string; sequence: number }
    const event = fromBinary(MessageEventSchema, Buffer.from(line.data, 'base64'))
    const edited = Buffer.from(toBinary(MessageEventSchema, { ...event, correlationId: 'edited' })).toString('base64')
    const changed = lines.map((text, i) => (i === index ? JSON.stringify({ ...line, data: edited }) : text))
    expect(await judgedText(resealed(lines))).toMatchObject({ verdict: 'intact' })
    const { findings } = await judgedText(resealed(changed))
    const found = { stream: 'MESSAGES', sequence: line.sequence, reason: 'checkpoint 3 was not made of this event' }
    expect(findings).toEqual([expect.objectContaining(found)])
  })

  test('that was made of one of all, or from which proofs were taken, cannot be judged', async () => {
    let whole = ''
    for await (const line of exportLines(await inExport(log, join(folder, 'whole')))) whole += line
    const lines = whole.trimEnd().split('\n').slice(0, -1).map((line) => line.replace('"complete":true', '"complete":false'))
    const lastSession = lines.findLastIndex((line) => line.startsWith('{"session"'))
    for (const changed of [lines, lines.slice(0, lastSession)]) {
      const { verdict, findings } = await judgedText(resealed(changed))
      expect(verdict).toBe('unjudged')
      expect(findings).toEqual([expect.objectContaining({ stream: 'FILE', reason: expect.stringMatching(/without the proof/) })])
    }
    const part = (await exported(log)).trimEnd().split('\n').slice(0, -1)
    const stripped = part.map((line, i) => (i === part.length - 1 ? line : line.replace(/,"proof":\[[^\]]*\]/, '')))
    expect(await judgedText(resealed(stripped))).toMatchObject({ verdict: 'unjudged' })
  })

  test('with checkpoints is read and written again as the same file', async () => {
    await writeFile(join(folder, 'again'), await exported(log))
    let text = ''
    for await (const line of exportLines(await openExport(join(folder, 'again')))) text += line
    expect(text).toBe(await readFile(join(folder, 'again'), 'utf8'))
  })
})
