import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { checkLog } from '../../../src/audit/check-log.ts'
import { openExport } from '../../../src/audit/read-export.ts'
import type { AuditedEvent, AuditSource, SessionRecords } from '../../../src/audit/records.ts'

const recorded = fileURLToPath(new URL('../../vectors/logs/schema-1.jsonl', import.meta.url))
let source: AuditSource
const sessions: SessionRecords[] = []

beforeAll(async () => {
  source = await openExport(recorded)
  for await (const records of source.sessions()) sessions.push(records)
})

type Damage = Readonly<{ session: number; stream: 'lifecycle' | 'messages'; event: number; at: number; bytes: Uint8Array }>

const damage = fc.record<Damage>({
  session: fc.nat(5),
  stream: fc.constantFrom('lifecycle', 'messages'),
  event: fc.nat(30),
  at: fc.nat(2000),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
})

/** Writes over some bytes of one event. Null where they are the same. */
function damaged({ session, stream, event, at, bytes }: Damage): SessionRecords[] | null {
  const records = sessions[session]
  const target = records?.[stream][event % (records[stream].length || 1)]
  if (records === undefined || target === undefined) return null
  const data = target.data.slice()
  const start = at % data.length
  data.set(bytes.subarray(0, data.length - start), start)
  if (Buffer.compare(data, target.data) === 0) return null
  const change = (events: readonly AuditedEvent[]) => events.map((old) => (old === target ? { ...old, data } : old))
  return sessions.map((old) => (old === records ? { ...old, [stream]: change(old[stream]) } : old))
}

test('whatever becomes of an event, there is a verdict; and a changed lifecycle event is never intact', async () => {
  await fc.assert(
    fc.asyncProperty(damage, async (how) => {
      const changed = damaged(how)
      if (changed === null) return
      const report = await checkLog({
        ...source,
        problems: () => [],
        sessions: async function* () {
          yield* changed
        },
      })
      if (how.stream === 'lifecycle') expect(report.verdict).not.toBe('intact')
    }),
    { numRuns: 100 },
  )
})
