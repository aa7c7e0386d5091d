/** A recorded log to tamper with, put into a real JetStream store whose owner may do anything, or into an export. */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { openLiveLog } from '../../../src/audit/live-log.ts'
import { openExport } from '../../../src/audit/read-export.ts'
import { auditedStreams, type AuditedStream, type AuditSource, type SessionRecords } from '../../../src/audit/records.ts'
import { exportLines } from '../../../src/audit/write-export.ts'
import { openLogReader } from '../../../src/events/log-reader.ts'
import { checkpoints, sessionIdOf } from '../../../src/events/subjects.ts'

export type Raw = Readonly<{ subject: string; data: Uint8Array }>

/** Both streams, in order; a sequence is a position. Null: deleted from the store. */
export type RawLog = Readonly<Record<AuditedStream, readonly (Raw | null)[]>> & Readonly<{ CHECKPOINTS?: readonly Raw[] }>

/** What a 2-of-3 ECDSA key generation and a signature have left in a real log. */
export async function recordedLog(): Promise<RawLog & Readonly<Record<AuditedStream, readonly Raw[]>>> {
  const source = await openExport(recordedFile)
  const log: Record<AuditedStream, Raw[]> = { SESSIONS: [], MESSAGES: [] }
  let sessions = 0
  for await (const { lifecycle, messages } of source.sessions()) {
    if (++sessions > 2) continue
    log.SESSIONS.push(...lifecycle)
    log.MESSAGES.push(...messages)
  }
  return log
}

export const recordedFile = fileURLToPath(new URL('../../vectors/logs/schema-1.jsonl', import.meta.url))

export type Store = Readonly<{
  /** The log as an auditor finds it there. Ends with the callback. */
  holding: <Result>(log: RawLog, use: (source: AuditSource) => Promise<Result>) => Promise<Result>
  close: () => Promise<void>
}>

/** `natsUrl`: of a server that nobody else uses. Its streams allow what ours deny. */
export async function openStore(natsUrl: string): Promise<Store> {
  const nats = await connect({ servers: natsUrl })
  const manager = await jetstreamManager(nats)
  return {
    holding: async (log, use) => {
      await fill(nats, manager, log)
      const reader = await openLogReader({ url: natsUrl, name: 'auditor' })
      try {
        return await use(await openLiveLog(reader, Date.now()))
      } finally {
        await reader.close()
      }
    },
    close: () => nats.close(),
  }
}

async function fill(nats: NatsConnection, manager: JetStreamManager, log: RawLog): Promise<void> {
  const subjects = { SESSIONS: 'mpc.session.>', MESSAGES: 'mpc.message.>' }
  for (const name of auditedStreams) {
    await manager.streams.delete(name).catch(() => false)
    await manager.streams.add({ name, subjects: [subjects[name]], allow_direct: true, deny_delete: false })
    for (const event of log[name]) {
      const { subject, data } = event ?? { subject: subjects[name].replace('>', 'gone.all'), data: new Uint8Array(0) }
      const { seq } = await jetstream(nats).publish(name === 'SESSIONS' ? subject.replace('.gone.all', '.gone') : subject, data)
      if (event === null) await manager.streams.deleteMessage(name, seq)
    }
  }
  await manager.streams.delete('CHECKPOINTS').catch(() => false)
  if (log.CHECKPOINTS === undefined) return
  await manager.streams.add({ name: 'CHECKPOINTS', subjects: [checkpoints], allow_direct: true })
  for (const { subject, data } of log.CHECKPOINTS) await jetstream(nats).publish(subject, data)
}

/** The log as an export of it would say, its last line and all. */
export async function inExport(log: RawLog, file: string): Promise<AuditSource> {
  let text = ''
  for await (const line of exportLines(sourceOf(log))) text += line
  await writeFile(file, text)
  return openExport(file)
}

function sourceOf(log: RawLog): AuditSource {
  const sessions = new Map<string, { lifecycle: SessionRecords['lifecycle'][number][]; messages: SessionRecords['messages'][number][] }>()
  for (const stream of auditedStreams) {
    log[stream].forEach((event, index) => {
      const sessionId = event === null ? null : sessionIdOf(event.subject)
      if (event === null || sessionId === null) return
      const records = sessions.get(sessionId) ?? { lifecycle: [], messages: [] }
      sessions.set(sessionId, records)
      const events = stream === 'SESSIONS' ? records.lifecycle : records.messages
      events.push({ ...event, stream, sequence: index + 1 })
    })
  }
  return {
    complete: true,
    extent: { SESSIONS: log.SESSIONS.length, MESSAGES: log.MESSAGES.length },
    takenAtMs: Date.now(),
    checkpoints: (log.CHECKPOINTS ?? []).map((raw, index) => ({ ...raw, stream: 'CHECKPOINTS', sequence: index + 1 })),
    problems: () => [],
    sessions: async function* () {
      for (const [sessionId, records] of sessions) yield { sessionId, ...records }
    },
  }
}
