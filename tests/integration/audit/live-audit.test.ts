import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkLog } from '../../../src/audit/check-log.ts'
import { checkSession } from '../../../src/audit/check-session.ts'
import { openLiveLog, readSession } from '../../../src/audit/live-log.ts'
import { openExport } from '../../../src/audit/read-export.ts'
import { exportLines } from '../../../src/audit/write-export.ts'
import { keyTypes } from '../../../src/crypto/key-type.ts'
import type { LogReader } from '../../../src/events/event-log.ts'
import { openLogReader } from '../../../src/events/log-reader.ts'
import { startServices, type Services } from '../party/services.ts'
import { makeAndSign, type MadeSessions } from './real-sessions.ts'

let services: Services
let log: LogReader
let folder: string
const made: MadeSessions[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mpc-audit-'))
  services = await startServices()
  log = await openLogReader({ url: services.natsUrl, name: 'auditor' })
  for (const keyType of keyTypes) made.push(await makeAndSign(services, keyType))
})
afterAll(async () => {
  await log.close()
  await services.close()
  await rm(folder, { recursive: true, force: true })
})

describe('what the system of today writes', () => {
  test('is intact, live and exported, with every event marked as in order', async () => {
    const marks: string[] = []
    const onSession = ({ entries }: Awaited<ReturnType<typeof checkSession>>) =>
      marks.push(...entries.map(({ mark, reason }) => `${mark}${reason}`))
    const source = await openLiveLog(log, Date.now())
    const report = await checkLog(source, { onSession })
    expect(report).toMatchObject({ verdict: 'intact', findings: [], sessions: 6 })
    expect(report).toMatchObject({ withoutKeySession: 0, opaqueSessions: 0 })
    expect(new Set(marks)).toEqual(new Set(['ok']))

    let text = ''
    for await (const line of exportLines(source)) text += line
    const file = process.env['MPC_RECORD_LOG'] ?? join(folder, 'export')
    await writeFile(file, text)
    expect(await checkLog(await openExport(file))).toEqual(report)
  })

  test('makes sessions whose timelines tell who did what', async () => {
    const { keygenId = '' } = made[0] ?? {}
    const records = await readSession(log, keygenId)
    if (records === null) throw new Error('no such session')
    const { entries, key } = await checkSession(records)
    expect(key?.keyId).toBe(keygenId)
    expect(entries[0]).toMatchObject({ kind: 'SessionCreated', sinceStartMs: 0, mark: 'ok' })
    expect(entries.at(-1)).toMatchObject({ kind: 'SessionCompleted' })
    expect(entries.find(({ round }) => round === 1)).toMatchObject({ kind: 'MessageRouted', to: ['all'] })
    // Each stream keeps its own order: the times of messages that were routed at the same moment need not follow it.
    for (const of of ['SESSIONS', 'MESSAGES']) {
      const sequences = entries.filter(({ stream }) => stream === of).map(({ sequence }) => sequence)
      expect(sequences).toEqual([...sequences].sort((a, b) => a - b))
    }
    const firstOf = (kind: string) => entries.findIndex((entry) => entry.kind === kind)
    expect(firstOf('MessageRouted')).toBeGreaterThan(firstOf('SessionStarted'))
  })
})
