import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkLog } from '../../../src/audit/check-log.ts'
import { maxLineBytes } from '../../../src/audit/export-lines.ts'
import { openExport, UnreadableExport } from '../../../src/audit/read-export.ts'
import { exportLines } from '../../../src/audit/write-export.ts'

const recorded = fileURLToPath(new URL('../../vectors/logs/schema-1.jsonl', import.meta.url))
let folder: string
let lines: readonly string[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mpc-export-'))
  lines = (await readFile(recorded, 'utf8')).split(/(?<=\n)/)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function judged(text: string | Buffer) {
  const file = join(folder, 'export')
  await writeFile(file, text)
  return checkLog(await openExport(file))
}

const header = () => lines[0] ?? ''
const trailer = () => lines.at(-1) ?? ''
const changed = (index: number, change: (line: string) => string) =>
  lines.map((line, i) => (i === index ? change(line) : line)).join('')
/** With a last line that fits what is before it. */
const resealed = (body: readonly string[]) => {
  const text = body.join('')
  const events = body.filter((line) => line.startsWith('{"stream"')).length
  return `${text}${JSON.stringify({ events, sha256: createHash('sha256').update(text).digest('hex') })}\n`
}

test('what is read from an export and written again is the same file', async () => {
  let text = ''
  for await (const line of exportLines(await openExport(recorded))) text += line
  expect(text).toBe(lines.join(''))
})

describe('an export that was changed is told by its line', () => {
  const found = (line: number, reason: RegExp) => ({
    verdict: 'tampered',
    findings: expect.arrayContaining([
      expect.objectContaining({ stream: 'FILE', sequence: line, reason: expect.stringMatching(reason) }),
    ]),
  })
  type Case = Readonly<{ what: string; text: () => string; line: () => number; reason: RegExp }>
  const last = () => lines.length
  const wrongCount = (line: string) => line.replace(/"events":\d+/, '"events":1')
  const cases: readonly Case[] = [
    {
      what: 'a changed header',
      text: () => changed(0, (line) => line.replace('2026', '2025')),
      line: last,
      reason: /not what was exported/,
    },
    {
      what: 'a line that is no JSON',
      text: () => changed(9, () => 'nonsense\n'),
      line: () => 10,
      reason: /no line of an export/,
    },
    {
      what: 'a line with another field',
      text: () => changed(9, (line) => line.replace('{', '{"more":1,')),
      line: () => 10,
      reason: /no line of an export/,
    },
    {
      what: 'a missing last line',
      text: () => lines.slice(0, -1).join(''),
      line: () => last() - 1,
      reason: /cut short/,
    },
    {
      what: 'a line cut in its middle',
      text: () => lines.join('').slice(0, -20),
      line: last,
      reason: /does not end/,
    },
    {
      what: 'something after the end',
      text: () => `${lines.join('')}${trailer()}`,
      line: () => last() + 1,
      reason: /follows the end/,
    },
    {
      what: 'a wrong count',
      text: () => changed(last() - 1, wrongCount),
      line: last,
      reason: /counts 1 events/,
    },
    {
      what: 'a line beyond all bounds',
      text: () => changed(9, () => `${'x'.repeat(maxLineBytes + 1)}\n`),
      line: () => 10,
      reason: /too long/,
    },
    {
      what: 'an event before its session',
      text: () => resealed([header(), ...lines.slice(2, -1)]),
      line: () => 2,
      reason: /out of place/,
    },
  ]
  test.for(cases)('$what', async ({ text, line, reason }) => {
    expect(await judged(text())).toMatchObject(found(line(), reason))
  })

  test('bytes that are not UTF-8', async () => {
    const bytes = Buffer.from(lines.join(''))
    bytes[header().length + 5] = 0xff
    expect(await judged(bytes)).toMatchObject(found(2, /not UTF-8/))
  })
})

test('events left out of a complete export are missed, whatever its last line says', async () => {
  const index = lines.findIndex((line) => line.startsWith('{"stream":"MESSAGES","sequence":3,'))
  const { verdict, findings } = await judged(resealed(lines.slice(0, -1).filter((_, i) => i !== index)))
  expect(verdict).toBe('tampered')
  expect(findings[0]).toMatchObject({ stream: 'MESSAGES', sequence: 3, reason: 'the event is missing' })
})

test('a part of the log may leave out other sessions', async () => {
  const start = lines.findIndex((line, i) => i > 1 && line.startsWith('{"session"'))
  const part = [header().replace('"complete":true', '"complete":false'), ...lines.slice(1, start)]
  expect(await judged(resealed(part))).toMatchObject({ verdict: 'intact', sessions: 1 })
})

test('a sign session without the one that made its key is judged, and said to be alone', async () => {
  const starts = lines.flatMap((line, i) => (line.startsWith('{"session"') ? [i] : []))
  const part = [header().replace('"complete":true', '"complete":false'), ...lines.slice(starts[1], starts[2])]
  expect(await judged(resealed(part))).toMatchObject({ verdict: 'intact', sessions: 1, withoutKeySession: 1 })
})

describe('what is no export cannot be judged', () => {
  const streams = { SESSIONS: { last_sequence: 1 }, MESSAGES: { last_sequence: 1 } }
  const later = { format: 'mpc-audit', version: 2, exported_at: '2026-01-01T00:00:00.000Z', complete: true, streams }
  const cases = {
    'an empty file': '',
    'another text': 'hello\n',
    'another JSON': '{}\n',
    'a later version': `${JSON.stringify(later)}\n`,
  }
  test.for(Object.entries(cases))('%s', async ([, text]) => {
    await expect(judged(text)).rejects.toThrow(UnreadableExport)
  })

  test('a file that is not there', async () => {
    await expect(openExport(join(folder, 'nowhere'))).rejects.toThrow(/nowhere cannot be read/)
  })
})
