/** `mpc audit archive` and `mpc audit trim`, on a real JetStream store with the streams as the services make them. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { create, toBinary } from '@bufbuild/protobuf'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ArchiveFile } from '../../../src/audit/archive/manifest.ts'
import type { SessionRecords } from '../../../src/audit/records.ts'
import { openEventLog } from '../../../src/events/jetstream-log.ts'
import { openTrimmer } from '../../../src/events/trim-messages.ts'
import { MessageEventSchema, SubscriptionTicketIssuedSchema } from '../../../src/gen/mpc/events/v1/message_events_pb.ts'
import { commandFile, coordinatorKey, openArchivedLog, recordedSessions, type ArchivedLog } from './archived-log.ts'
import { spoilt } from './spoilt-session.ts'

const sessions = await recordedSessions()
let at: ArchivedLog
let archive: string

beforeEach(async () => {
  at = await openArchivedLog()
  archive = join(at.folder, 'archive')
  await at.append(sessions.slice(0, 2))
  await at.checkpoint()
})
afterEach(() => at.close())

const all = ['verify', '--all', '--coordinator-key', coordinatorKey]
const run = (...more: readonly string[]) => at.audit('archive', '-o', archive, '--before', '0s', ...more)
const filesOf = (): readonly ArchiveFile[] =>
  (JSON.parse(readFileSync(join(archive, 'manifest.json'), 'utf8')) as { files: ArchiveFile[] }).files
const hashOf = (name: string) => createHash('sha256').update(readFileSync(join(archive, name))).digest('hex')
const idOf = (index: number): string => (sessions[index] as SessionRecords).sessionId
const intact = { code: 0, stdout: expect.stringMatching(/^intact/) }
const lastOf = (index: number): number => sessions.slice(0, index).reduce((sum, { messages }) => sum + messages.length, 0)

async function withManager<Result>(use: (manager: Awaited<ReturnType<typeof jetstreamManager>>) => Promise<Result>) {
  const nats = await connect({ servers: at.nats.url })
  try {
    return await use(await jetstreamManager(nats))
  } finally {
    await nats.close()
  }
}
const stateOfMessages = () => withManager(async (manager) => (await manager.streams.info('MESSAGES')).state)

describe('an archive', () => {
  test('holds what is over in checked files, and grows by what came since', async () => {
    expect(await run()).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/2 sessions archived/) })
    await at.append(sessions.slice(2, 5))
    await at.checkpoint()
    const second = await run('--json')
    expect(second).toMatchObject({ code: 0 })
    expect(JSON.parse(second.stdout)).toMatchObject({ verdict: 'intact', left: 0, files: [{ sessions: 3 }] })
    expect(await run()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^nothing more to archive/) })

    const files = filesOf()
    expect(files.map(({ sessions }) => sessions)).toEqual([2, 3])
    const first = lastOf(2)
    expect(files.map(({ streams }) => streams.MESSAGES)).toEqual([[[1, first]], [[first + 1, lastOf(5)]]])
    for (const { name, sha256 } of files) {
      expect(hashOf(name)).toBe(sha256)
      expect(await at.audit('verify', join(archive, name), '--coordinator-key', coordinatorKey)).toMatchObject(intact)
    }
    expect(await at.audit('verify', '--archive', archive, '--coordinator-key', coordinatorKey)).toMatchObject(intact)
    expect(await at.audit(...all, '--archive', archive)).toMatchObject(intact)
  })

  test('leaves out what is not over, not for long enough, or not under a checkpoint', async () => {
    const open = { ...(sessions[2] as SessionRecords) }
    await at.append([{ ...open, lifecycle: open.lifecycle.slice(0, -1) }])
    await at.checkpoint()
    await at.append(sessions.slice(4, 5))
    expect(await run()).toMatchObject({ code: 0, stdout: expect.stringMatching(/2 sessions archived.*2 sessions left/) })
    const young = await at.audit('archive', '-o', join(at.folder, 'young'), '--before', '2020-01-01')
    expect(young).toMatchObject({ code: 0, stdout: expect.stringMatching(/nothing more.*4 sessions left/) })
  })

  test('takes a session that a party has spoilt with garbage, and no log is held up by it', async () => {
    await at.append([spoilt(sessions[2] as SessionRecords)])
    await at.checkpoint()
    expect(await at.audit(...all)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^intact.*misconduct.*no envelope/) })
    expect(await run()).toMatchObject({ code: 0, stdout: expect.stringMatching(/3 sessions archived/) })
    expect(await at.audit('trim', '--archive', archive, '--yes')).toMatchObject({ code: 0 })
    expect(await at.audit(...all, '--archive', archive)).toMatchObject(intact)
  })

  test('is split into files that each hold the session of the key that signs', async () => {
    expect(await run('--file-size', '1')).toMatchObject({ code: 0 })
    expect(filesOf().map(({ sessions }) => sessions)).toEqual([1, 2])
    expect(await at.audit('verify', '--archive', archive)).toMatchObject(intact)
    expect(await at.audit(...all, '--archive', archive)).toMatchObject({ code: 0, stdout: expect.stringMatching(/2 sessions/) })
  })

  test('takes nothing from a log that was tampered with, and does not go on after files that were changed', async () => {
    await run()
    const [{ name }] = filesOf() as [ArchiveFile]
    const path = join(archive, name)
    const kept = readFileSync(path, 'utf8')
    await at.append(sessions.slice(2, 4))
    await at.checkpoint()

    writeFileSync(path, kept.replace(/("data":".{40})./, '$1A'))
    for (const command of [['archive', '-o', archive, '--before', '0s'], ['verify', '--archive', archive], ['trim', '--archive', archive]]) {
      expect(await at.audit(...command), command.join(' ')).toMatchObject({ code: 1, stdout: expect.stringMatching(/TAMPERED/) })
    }
    writeFileSync(path, kept)
    await at.log.append(`mpc.session.${idOf(0)}`, new Uint8Array(9), { messageId: 'forged' })
    expect(await run()).toMatchObject({ code: 1, stdout: expect.stringMatching(/^nothing was archived: TAMPERED: SESSIONS/) })
    expect(filesOf()).toHaveLength(1)
    expect(await at.audit('trim', '--archive', archive, '--yes')).toMatchObject({ code: 1 })
    expect((await stateOfMessages()).first_seq).toBe(1)
  })

  test('takes a session again, whole, when events were added to it, also after it was trimmed', async () => {
    await run()
    expect(await at.audit('trim', '--archive', archive, '--yes')).toMatchObject({ code: 0 })
    const { sessionId, lifecycle, messages } = sessions[0] as SessionRecords
    await at.log.append(`mpc.message.${sessionId}.phone`, ticketOf(sessionId, 'phone'), { messageId: 'ticket' })
    await at.checkpoint()
    expect(await run()).toMatchObject({ code: 0, stdout: expect.stringMatching(/1 session archived/) })
    const whole = lifecycle.length + messages.length + 1
    expect(filesOf()[1]).toMatchObject({ again: [sessionId], sessions: 1, events: whole })
    expect(await at.audit('verify', '--archive', archive)).toMatchObject(intact)
    expect(await at.audit(...all, '--archive', archive)).toMatchObject(intact)
    expect((await at.audit('show', sessionId, '--archive', archive)).stdout).toContain('SubscriptionTicketIssued')
    expect(await run()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^nothing more/) })
  })

  test('is what it was, or more, wherever a run is killed', { timeout: 120_000 }, async () => {
    await at.append(sessions.slice(2, 4))
    await at.checkpoint()
    const args = [commandFile, 'audit', 'archive', '-o', archive, '--before', '0s', '--file-size', '1']
    mkdirSync(archive)
    for (const changes of [1, 2, 4, 7]) {
      expect(await killedAfterChanges(args, changes)).toBe('SIGKILL')
      const files = existsSync(join(archive, 'manifest.json')) ? filesOf() : []
      for (const { name, sha256 } of files) expect(hashOf(name)).toBe(sha256)
    }
    expect(await run('--file-size', '1')).toMatchObject({ code: 0 })
    expect(filesOf()).toHaveLength(4)
    expect(readdirSync(archive).filter((name) => name.endsWith('.part'))).toEqual([])
    expect(await at.audit(...all, '--archive', archive)).toMatchObject(intact)
    expect(await at.audit('verify', '--archive', archive)).toMatchObject(intact)
  })
})

/** Starts the command and kills it at so many changes of the archive's files. Resolves to what ended it. */
async function killedAfterChanges(args: readonly string[], count: number): Promise<NodeJS.Signals | null> {
  const child = spawn(process.execPath, args, { env: { ...process.env, NATS_URL: at.nats.url }, stdio: 'ignore' })
  let changes = 0
  const watcher = watch(archive, (_, name) => {
    if (name?.startsWith('lock') !== false) return
    changes += 1
    if (changes === count) child.kill('SIGKILL')
  })
  const signal = await new Promise<NodeJS.Signals | null>((resolve) => child.once('exit', (_, by) => resolve(by)))
  watcher.close()
  return signal
}

function ticketOf(sessionId: string, partyId: string): Uint8Array {
  const ticketHash = new Uint8Array(32).fill(3)
  const value = create(SubscriptionTicketIssuedSchema, { ticketHash, partyId })
  const payload = { case: 'subscriptionTicketIssued', value } as const
  const event = { eventId: 'ticket', sessionId, timeMs: BigInt(Date.now()), schemaVersion: 1, payload }
  return toBinary(MessageEventSchema, create(MessageEventSchema, event))
}

describe('trimming', () => {
  test('drops nothing unless it is told to, and then exactly what is archived and over', async () => {
    const open = sessions[2] as SessionRecords
    await at.append([{ ...open, lifecycle: open.lifecycle.slice(0, -1) }, ...sessions.slice(4, 6)])
    await at.checkpoint()
    await run()
    const upTo = lastOf(2)
    const plan = await at.audit('trim', '--archive', archive)
    expect(plan).toMatchObject({ code: 0, stdout: expect.stringContaining(`MESSAGES 1 to ${upTo} are archived`) })
    expect((await stateOfMessages()).first_seq).toBe(1)

    const before = await stateOfMessages()
    expect(await at.audit('trim', '--archive', archive, '--yes')).toMatchObject({ code: 0, stderr: '' })
    const after = await stateOfMessages()
    expect(after).toMatchObject({ first_seq: upTo + 1, last_seq: before.last_seq, messages: before.messages - upTo })
    await withManager(async (manager) => {
      const { config } = await manager.streams.info('MESSAGES')
      expect(config).toMatchObject({ discard: 'new', max_msgs: -1, deny_purge: true, deny_delete: true, subjects: ['mpc.message.>'] })
    })
    const nothing = await at.audit('trim', '--archive', archive, '--yes')
    expect(nothing).toMatchObject({ code: 0, stdout: expect.stringMatching(/nothing more to drop/) })
  })

  test('leaves audits that are complete with the archive, and say so without it', async () => {
    await run()
    expect(await at.audit('trim', '--archive', archive, '--yes')).toMatchObject({ code: 0 })
    await at.append(sessions.slice(2, 4))
    // By a coordinator that has lost its database, too: it verifies every checkpoint from the first.
    await at.checkpoint()

    expect(await at.audit(...all)).toMatchObject({ code: 2, stdout: expect.stringMatching(/^cannot judge:.*--archive/) })
    expect(await at.audit(...all, '--archive', archive)).toMatchObject(intact)
    expect(await at.audit('verify', idOf(0))).toMatchObject({ code: 2 })
    expect(await at.audit('verify', idOf(1), '--archive', archive)).toMatchObject(intact)
    expect(await at.audit('verify', idOf(3))).toMatchObject(intact)

    const shown = await at.audit('show', idOf(0))
    expect(shown.stdout).toMatch(/moved to an archive/)
    const withArchive = await at.audit('show', idOf(0), '--archive', archive)
    expect(withArchive.stdout).toMatch(/✓ {2}MESSAGES 1 /)
    expect(withArchive.stdout).toContain('verdict: intact')
    expect((await at.audit('list', '--json')).stdout).toContain(idOf(0))

    const file = join(at.folder, 'export')
    expect(await at.audit('export', '-o', file)).toMatchObject({ code: 1, stderr: expect.stringMatching(/--archive/) })
    expect(await at.audit('export', '-o', file, '--archive', archive)).toMatchObject({ code: 0 })
    expect(await at.audit('verify', file, '--coordinator-key', coordinatorKey)).toMatchObject(intact)
    const parts = [[idOf(1), '--archive', archive], [idOf(3)]]
    for (const [index, part] of parts.entries()) {
      const one = join(at.folder, `part-${index}`)
      expect(await at.audit('export', ...part, '-o', one)).toMatchObject({ code: 0, stderr: '' })
      const { stdout, code } = await at.audit('verify', one, '--coordinator-key', coordinatorKey)
      expect({ code, covers: /covers (\d+) of \1 events/.test(stdout) }, stdout).toEqual({ code: 0, covers: true })
    }

    const proof = join(at.folder, 'proof')
    const prove = async (...more: readonly string[]) => {
      const { stdout, ...rest } = await at.audit('prove', ...more)
      if (stdout !== '') writeFileSync(proof, stdout)
      return rest
    }
    expect(await prove()).toMatchObject({ code: 1, stderr: expect.stringMatching(/--archive/) })
    for (const more of [['--archive', archive], ['--from', '2']]) {
      expect(await prove(...more)).toMatchObject({ code: 0 })
      expect(await at.audit('verify', proof, '--coordinator-key', coordinatorKey)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^intact: checkpoint \d only adds to checkpoint [12]: sessions \d+ to 42,/),
      })
    }
    const said = JSON.parse(readFileSync(proof, 'utf8')) as { proofs: { SESSIONS: string[] } }
    writeFileSync(proof, JSON.stringify({ ...said, proofs: { ...said.proofs, SESSIONS: said.proofs.SESSIONS.toReversed() } }))
    expect(await at.audit('verify', proof)).toMatchObject({ code: 1, stdout: expect.stringMatching(/^TAMPERED: SESSIONS of/) })

    await run()
    expect(await at.audit('trim', '--archive', archive, '--yes')).toMatchObject({ code: 0 })
    expect((await stateOfMessages()).first_seq).toBe(lastOf(4))
    expect(await at.audit(...all, '--archive', archive)).toMatchObject(intact)
  })

  test('is told from tampering: with another tree than checkpoints have, without the archive, with a file too few', async () => {
    await run()
    await at.audit('trim', '--archive', archive, '--yes')
    await withManager(async (manager) => {
      const { config } = await manager.streams.info('MESSAGES')
      const description = (config.description ?? '').replace(/"tree":"./, '"tree":"_')
      expect(description).not.toBe(config.description)
      await manager.streams.update('MESSAGES', { description })
    })
    await at.append(sessions.slice(2, 4))
    await expect(at.checkpoint()).rejects.toThrow(/are not those that it was made of/)
    expect(await at.audit(...all)).toMatchObject({ code: 1, stdout: expect.stringMatching(/^TAMPERED/) })
    // Of what the stream says nothing is needed where the events are there.
    expect(await at.audit(...all, '--archive', archive)).toMatchObject(intact)
    writeFileSync(join(archive, 'manifest.json'), JSON.stringify({ format: 'mpc-audit-archive', version: 1, files: [] }))
    expect(await at.audit(...all, '--archive', archive)).toMatchObject({ code: 1 })
  })

  test('that is killed half way leaves a stream that takes nothing and loses nothing, until it is called again', async () => {
    await run()
    const before = await stateOfMessages()
    await withManager((manager) => manager.streams.update('MESSAGES', { subjects: ['mpc.trimming.killed'] }))
    const starting = openEventLog({ url: at.nats.url, name: 'service', replicas: 1 })
    await expect(starting).rejects.toThrow(/being trimmed.*mpc audit trim again/)
    const waiting = at.log.append('mpc.message.later.all', new Uint8Array(1), { messageId: 'later' })
    const trimmer = await openTrimmer({ url: at.nats.url, name: 'operator' })
    expect(await trimmer.restore()).toBe(true)
    expect((await waiting).sequence).toBe(before.last_seq + 1)
    expect(await trimmer.restore()).toBe(false)
    await trimmer.close()
    expect(await stateOfMessages()).toMatchObject({ first_seq: 1, messages: before.messages + 1 })
  })

  test('goes on while messages are written: not one of them is lost, and none of what is not archived', async () => {
    await run()
    const upTo = lastOf(2)
    let stopped = false
    const acked: number[] = []
    const writing = (async () => {
      for (let n = 0; !stopped; n += 1) {
        const append = (i: number) => at.log.append(`mpc.message.busy-${i}.all`, new Uint8Array(100), { messageId: `${n} ${i}` })
        acked.push(...(await Promise.all([0, 1, 2, 3].map(append))).map(({ sequence }) => sequence))
      }
    })()
    const trimmer = await openTrimmer({ url: at.nats.url, name: 'operator' })
    const record = { upTo: upTo - 1, sessionsUpTo: 1, subtrees: [] }
    await trimmer.trim(record)
    stopped = true
    await writing
    await trimmer.close()
    const read: number[] = []
    for await (const { sequence } of at.log.read('mpc.message.>')) read.push(sequence)
    expect(read[0]).toBe(upTo)
    expect(read).toEqual(Array.from(read, (_, i) => upTo + i))
    expect(acked.every((sequence) => read.includes(sequence))).toBe(true)
    expect(acked.length).toBeGreaterThan(4)
  })
})
