/**
 * What every released schema version has left in the log still folds to the same states and gives the same read model:
 * tests/vectors/logs has a log and what became of it, recorded when the version was the present one.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bytesToHex } from '@noble/hashes/utils.js'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { openReadModel } from '../../../src/coordinator/projection/database.ts'
import { sessionProjection } from '../../../src/coordinator/projection/session-projection.ts'
import { evolve, initialState, type SessionState } from '../../../src/coordinator/session-state.ts'
import type { StoredEvent } from '../../../src/events/event-log.ts'
import { applyBatch } from '../../../src/events/projection.ts'
import { schemaVersion } from '../../../src/events/schema-version.ts'
import { decodeNext, emptyChain, type ChainHead } from '../../../src/events/session-event.ts'
import { sessionIdOf } from '../../../src/events/subjects.ts'
import { createDatabase } from '../../setup/database.ts'

const file = (name: string) => fileURLToPath(new URL(`../../vectors/logs/${name}`, import.meta.url))
const versions = Array.from({ length: schemaVersion }, (_, index) => index + 1)

test.each(versions)('schema version %i', async (version) => {
  const events = lifecycleEvents(readFileSync(file(`schema-${version}.jsonl`), 'utf8'))
  const now = JSON.parse(JSON.stringify({ states: fold(events), read_model: await project(events) }, inHex))
  const recorded = file(`schema-${version}.state.json`)
  // To be set once, by the release that brings a version: a file is never changed after that.
  if (process.env['MPC_RECORD_STATE'] === String(version) && !existsSync(recorded)) {
    writeFileSync(recorded, `${JSON.stringify(now, null, 2)}\n`)
  }
  // A later release may know more, but nothing else.
  expect(now).toMatchObject(JSON.parse(readFileSync(recorded, 'utf8')))
  expect(Object.keys(now.states).length).toBeGreaterThan(0)
})

/** Of an audit export: the stored bytes as they were, in the order of the stream. */
function lifecycleEvents(text: string): readonly StoredEvent[] {
  const lines = text.trim().split('\n').map((line) => JSON.parse(line) as Record<string, string | number>)
  return lines
    .filter(({ stream }) => stream === 'SESSIONS')
    .map(({ sequence, subject, data }) => ({
      stream: 'SESSIONS' as const,
      sequence: Number(sequence),
      subject: String(subject),
      data: Uint8Array.from(Buffer.from(String(data), 'base64')),
    }))
    .sort((left, right) => left.sequence - right.sequence)
}

function fold(events: readonly StoredEvent[]): Readonly<Record<string, SessionState>> {
  const folded: Record<string, SessionState> = {}
  const heads = new Map<string, ChainHead>()
  for (const { subject, data } of events) {
    const sessionId = sessionIdOf(subject) ?? ''
    const { event, next } = decodeNext(sessionId, heads.get(sessionId) ?? emptyChain, data)
    heads.set(sessionId, next)
    folded[sessionId] = evolve(folded[sessionId] ?? initialState, event.payload)
  }
  return folded
}

async function project(events: readonly StoredEvent[]) {
  const database = await createDatabase()
  const model = await openReadModel(database.url, () => undefined)
  try {
    expect((await applyBatch(model, sessionProjection, events, 0)).unreadable).toBe(null)
    const rows = async (table: string, key: string) =>
      (await sql`select * from ${sql.table(table)} order by ${sql.raw(key)}`.execute(model)).rows
    return {
      sessions: await rows('sessions', 'session_id'),
      participants: await rows('participants', 'session_id, party_index'),
      keys: await rows('keys', 'key_id'),
    }
  } finally {
    await model.destroy()
    await database.drop()
  }
}

/** For JSON.stringify: bytes as hex. A Buffer has been through its own toJSON already. */
function inHex(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return bytesToHex(value)
  const buffer = value as { type?: unknown; data?: unknown } | null
  if (buffer?.type === 'Buffer' && Array.isArray(buffer.data)) return bytesToHex(Uint8Array.from(buffer.data))
  return value
}
