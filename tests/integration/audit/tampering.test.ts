import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkLog, type KeptHead, type LogReport } from '../../../src/audit/check-log.ts'
import { verifyChain } from '../../../src/events/session-event.ts'
import { sessionIdOf } from '../../../src/events/subjects.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { inExport, openStore, recordedLog, type RawLog, type Store } from './tampered-store.ts'
import { rewrittenChain, tamperings, withoutEnd, withoutSession } from './tampering.ts'

let nats: TestNats
let store: Store
let folder: string

beforeAll(async () => {
  nats = await startNats()
  store = await openStore(nats.url)
  folder = await mkdtemp(join(tmpdir(), 'mpc-tampering-'))
})
afterAll(async () => {
  await store.close()
  await nats.stop()
  await rm(folder, { recursive: true, force: true })
})

type Heads = ReadonlyMap<string, KeptHead>

/** The same log in a real store and in an export. */
async function bothWays(log: RawLog, heads?: Heads): Promise<readonly LogReport[]> {
  const options = heads === undefined ? {} : { heads }
  const live = await store.holding(log, (source) => checkLog(source, options))
  return [live, await checkLog(await inExport(log, join(folder, 'export')), options)]
}

async function headsOf(log: RawLog): Promise<Heads> {
  const chains = new Map<string, Uint8Array[]>()
  for (const event of log.SESSIONS) {
    const sessionId = sessionIdOf(event?.subject ?? '') ?? ''
    if (event !== null) chains.set(sessionId, [...(chains.get(sessionId) ?? []), event.data])
  }
  const heads = new Map<string, KeptHead>()
  for (const [sessionId, chain] of chains) {
    const verdict = await verifyChain(sessionId, chain)
    if (verdict.kind === 'intact') heads.set(sessionId, { ...verdict.head, changedAtMs: 0 })
  }
  return heads
}

test('the recorded log is intact in a store and in an export', async () => {
  const log = await recordedLog()
  for (const report of await bothWays(log, await headsOf(log))) {
    expect(report).toMatchObject({ verdict: 'intact', findings: [], sessions: 2, withoutKeySession: 0 })
  }
})

describe('an audit finds, in a real store and in an export whose last line was made to fit,', () => {
  test.for(tamperings)('$what', async ({ change, found }) => {
    for (const { verdict, findings } of await bothWays(await change(await recordedLog()))) {
      expect(verdict).toBe('tampered')
      const { stream, sequence, reason } = found
      expect(findings[0]).toMatchObject({ stream, sequence, reason: expect.stringMatching(reason) })
    }
  })
})

describe('what a chain cannot show by itself', () => {
  const withoutLast = (log: Parameters<typeof withoutSession>[0]) => withoutSession(log, 20)
  const cases = [
    { what: 'a chain rewritten as a whole', change: rewrittenChain, reason: /not the one that was kept/ },
    { what: 'the end of a chain cut off', change: withoutEnd, reason: /the event is missing/ },
    { what: 'a whole session dropped', change: withoutLast, reason: /the session is missing/ },
  ]
  test.for(cases)('$what: found with the chain heads of the database', async ({ change, reason }) => {
    const log = await recordedLog()
    const heads = await headsOf(log)
    for (const { verdict, findings } of await bothWays(change(log), heads)) {
      expect(verdict).toBe('tampered')
      expect(findings[0]).toMatchObject({ stream: 'SESSIONS', reason: expect.stringMatching(reason) })
    }
  })

  test('a head that is newer than the export says nothing about it', async () => {
    const log = await recordedLog()
    const changedAtMs = Date.now() + 60_000
    const newer = [...(await headsOf(log))].map(([id, head]) => [id, { ...head, changedAtMs }] as const)
    const source = await inExport(withoutEnd(log), join(folder, 'older'))
    expect(await checkLog(source, { heads: new Map(newer) })).toMatchObject({ verdict: 'intact' })
  })
})
