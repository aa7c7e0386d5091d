import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { checkLog } from '../../../src/audit/check-log.ts'
import { openExport } from '../../../src/audit/read-export.ts'
import { decodeMessageEvent } from '../../../src/events/message-event.ts'
import { schemaVersion } from '../../../src/events/schema-version.ts'
import { decodeStored } from '../../../src/events/session-event.ts'

/** One for every schema version that a release has written: tests/vectors/logs/README.md. */
const folder = fileURLToPath(new URL('../../vectors/logs', import.meta.url))
const versionOf = (name: string) => Number(/^schema-(\d+)\.jsonl$/.exec(name)?.[1])
const names = readdirSync(folder).filter((name) => name.endsWith('.jsonl'))

test('there is a log of every schema version up to the present one', () => {
  const versions = names.map(versionOf).sort((a, b) => a - b)
  expect(versions).toEqual(Array.from({ length: schemaVersion }, (_, i) => i + 1))
})

describe.each(names)('%s', (name) => {
  test('is intact, in every event and every session', async () => {
    const report = await checkLog(await openExport(`${folder}/${name}`))
    expect(report).toMatchObject({ verdict: 'intact', findings: [], withoutKeySession: 0 })
    expect(report.sessions).toBeGreaterThan(1)
  })

  test('was written by that version', async () => {
    for await (const { lifecycle, messages } of (await openExport(`${folder}/${name}`)).sessions()) {
      for (const { data } of lifecycle) expect(decodeStored(data).schemaVersion).toBe(versionOf(name))
      for (const { data } of messages) expect(decodeMessageEvent(data)).not.toBeNull()
    }
  })
})
