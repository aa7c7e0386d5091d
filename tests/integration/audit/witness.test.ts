/** What real parties sign of the sessions that they took part in, and what it shows when the log is changed later. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkSession } from '../../../src/audit/check-session.ts'
import { readSession } from '../../../src/audit/live-log.ts'
import type { SessionRecords } from '../../../src/audit/records.ts'
import { keyTypes } from '../../../src/crypto/key-type.ts'
import type { LogReader } from '../../../src/events/event-log.ts'
import { openLogReader } from '../../../src/events/log-reader.ts'
import { decodeStored } from '../../../src/events/session-event.ts'
import type { PartyCompleted } from '../../../src/gen/mpc/events/v1/session_events_pb.ts'
import { startServices, type Services } from '../party/services.ts'
import { makeAndSign, type MadeSessions } from './real-sessions.ts'
import { rewrittenChain } from './tampering.ts'

let services: Services
let log: LogReader
const made: MadeSessions[] = []

beforeAll(async () => {
  services = await startServices()
  log = await openLogReader({ url: services.natsUrl, name: 'auditor' })
  for (const keyType of keyTypes) made.push(await makeAndSign(services, keyType))
})
afterAll(async () => {
  await log.close()
  await services.close()
})

async function recordsOf(sessionId: string | undefined): Promise<SessionRecords> {
  const records = await readSession(log, sessionId ?? '')
  if (records === null) throw new Error('no such session')
  return records
}

const reports = ({ lifecycle }: SessionRecords): PartyCompleted[] =>
  lifecycle.flatMap(({ data }) => {
    const { payload } = decodeStored(data)
    return payload.case === 'partyCompleted' ? [payload.value] : []
  })

test('every party that runs our protocols, on a server or a device, signs the history and the messages it saw', async () => {
  for (const { keygenId, signId } of made) {
    for (const [sessionId, parties] of [[keygenId, 3], [signId, 2]] as const) {
      const records = await recordsOf(sessionId)
      const witnesses = reports(records).map(({ witness }) => witness)
      expect(witnesses).toHaveLength(parties)
      for (const witness of witnesses) {
        expect(witness?.signature).toHaveLength(64)
        // It has heard at least of the start: one event to create, two a party, and the start.
        expect(Number(witness?.version)).toBeGreaterThanOrEqual(2 * parties + 2)
        expect(witness?.messageCount).toBeGreaterThan(0)
      }
      expect((await checkSession(records)).findings).toEqual([])
    }
  }
})

test('a history that was rewritten as a whole is not the one that the parties were shown', async () => {
  const records = await recordsOf(made[0]?.keygenId)
  const { SESSIONS } = rewrittenChain({ SESSIONS: records.lifecycle, MESSAGES: [] })
  const lifecycle = records.lifecycle.map((event, i) => ({ ...event, data: SESSIONS[i]?.data ?? event.data }))
  const { findings, verdict } = await checkSession({ ...records, lifecycle })
  expect(verdict).toBe('tampered')
  expect(findings.map(({ reason }) => reason)).toContainEqual(expect.stringMatching(/^phone was shown another event/))
})

test('messages that are not those that a party computed with accuse it or a sender', async () => {
  const records = await recordsOf(made[0]?.keygenId)
  const { findings } = await checkSession({ ...records, messages: records.messages.slice(1) })
  const accusations = findings.filter(({ kind }) => kind === 'misconduct').map(({ reason }) => reason)
  // Its sender never computed with it; the other two did.
  expect(accusations.filter((reason) => /computed with other messages than the log has/.test(reason))).toHaveLength(2)
})
