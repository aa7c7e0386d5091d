/** Which finding is told first, and which ones are kept where there are too many. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkLog } from '../../../src/audit/check-log.ts'
import { createCheckpointWitness } from '../../../src/audit/checkpoint-witness.ts'
import type { AuditSource, Finding } from '../../../src/audit/records.ts'
import { MessageEventSchema } from '../../../src/gen/mpc/events/v1/message_events_pb.ts'
import { decodeStored } from '../../../src/events/session-event.ts'
import { SessionEventSchema } from '../../../src/gen/mpc/events/v1/session_events_pb.ts'
import { checkpointed, identity, type Checkpointed, type Log } from './checkpointed-log.ts'
import { inExport, recordedLog, type RawLog } from './tampered-store.ts'

let folder: string
/** A key generation that completed, and a signing session that did not. */
let unfinished: Log
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mpc-first-finding-'))
  const { SESSIONS, MESSAGES }: Log = await recordedLog()
  const isAfterStart = (data: Uint8Array) => /ompleted$/.test(decodeStored(data).payload.case ?? '')
  unfinished = { SESSIONS: SESSIONS.filter(({ data }, index) => index < 12 || !isAfterStart(data)), MESSAGES }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function judged(raw: RawLog) {
  const source = await inExport(raw, join(folder, 'export'))
  const witness = await createCheckpointWitness(source, { coordinatorKeys: [identity.publicKey] })
  return checkLog(source, { witness })
}

const whole = (of: Log) => checkpointed(of, [[of.SESSIONS.length, of.MESSAGES.length]])

/** The last message, of the unfinished session, is no envelope. */
const withGarbage = (of: Log): Log => ({
  ...of,
  MESSAGES: of.MESSAGES.map((raw, index) => {
    if (index !== of.MESSAGES.length - 1) return raw
    const event = fromBinary(MessageEventSchema, raw.data)
    if (event.payload.case !== 'messageRouted') throw new Error('no message')
    event.payload.value.payload = Uint8Array.of(1, 2, 3)
    return { ...raw, data: toBinary(MessageEventSchema, event) }
  }),
})

describe('garbage that a party has sent in a session that did not complete', () => {
  const at = () => ({ stream: 'MESSAGES', sequence: unfinished.MESSAGES.length, reason: expect.stringMatching(/no envelope that/) })

  test('is misconduct where a checkpoint shows that it was there from the start', async () => {
    const { verdict, findings } = await judged(await whole(withGarbage(unfinished)))
    expect(verdict).toBe('intact')
    expect(findings).toEqual([expect.objectContaining({ ...at(), kind: 'misconduct' })])
  })

  test.each<[string, () => Promise<RawLog>]>([
    ['no checkpoint covers it', () => checkpointed(withGarbage(unfinished), [[12, 6]])],
    ['the checkpoint was made of something else', async () => {
      const { CHECKPOINTS } = await whole(unfinished)
      return { ...withGarbage(unfinished), CHECKPOINTS }
    }],
    ['the session completed', async () => whole(withGarbage(await recordedLog()))],
  ])('is tampering where %s', async (_what, make) => {
    const { verdict, findings } = await judged(await make())
    expect(verdict).toBe('tampered')
    expect(findings[0]).toMatchObject({ ...at(), kind: 'tampered' })
  })
})

describe('the first finding', () => {
  test.each<[string, (of: Checkpointed) => RawLog, object]>([
    ['an event that was edited', (of) => edited(of), { stream: 'SESSIONS', sequence: 5, reason: /event id is not the hash/ }],
    ['a message that is missing', (of) => ({ ...of, MESSAGES: of.MESSAGES.map((raw, i) => (i === 5 ? null : raw)) }), {
      stream: 'MESSAGES', sequence: 6, reason: /is missing/,
    }],
  ])('is %s, and not the checkpoint that does not fit for that', async (_what, change, found) => {
    const { findings } = await judged(change(await whole(await recordedLog())))
    const { reason, ...place } = found as { reason: RegExp }
    expect(findings[0]).toMatchObject({ ...place, reason: expect.stringMatching(reason) })
    expect(findings.some((one) => /are not those that checkpoint/.test(one.reason))).toBe(true)
  })

  test('that is tampering is kept, however much misconduct there is before it', async () => {
    const problem = (kind: Finding['kind'], sequence: number): Finding => ({ kind, stream: 'FILE', sequence, sessionId: null, reason: kind })
    const problems = [...Array.from({ length: 3000 }, (_, i) => problem('misconduct', i)), problem('tampered', 9)]
    const empty: AuditSource = {
      complete: true, extent: { SESSIONS: 0, MESSAGES: 0 }, takenAtMs: 0, checkpoints: [],
      sessions: async function* () {}, problems: () => problems,
    }
    const { verdict, findings, findingCount } = await checkLog(empty)
    expect({ verdict, findingCount }).toEqual({ verdict: 'tampered', findingCount: 3001 })
    expect(findings[0]).toMatchObject({ kind: 'tampered', sequence: 9 })
    expect(findings).toHaveLength(1001)
  })
})

function edited(of: Checkpointed): RawLog {
  const SESSIONS = of.SESSIONS.map((raw, index) => {
    if (index !== 4) return raw
    const event = fromBinary(SessionEventSchema, raw.data)
    return { ...raw, data: toBinary(SessionEventSchema, { ...event, timeMs: event.timeMs + 1n }) }
  })
  return { ...of, SESSIONS }
}
