/** A recorded log written into real streams, session by session, with a coordinator's checkpoints; and `mpc audit`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { vi } from 'vitest'
import { checkpointStore } from '../../../src/coordinator/checkpoints/checkpoint-store.ts'
import { startCheckpointer, type Checkpointer } from '../../../src/coordinator/checkpoints/checkpointer.ts'
import { openReadModel } from '../../../src/coordinator/projection/database.ts'
import { addAuditCommands } from '../../../src/cli/audit/commands.ts'
import { openExport } from '../../../src/audit/read-export.ts'
import type { SessionRecords } from '../../../src/audit/records.ts'
import type { EventLog } from '../../../src/events/event-log.ts'
import { openEventLog } from '../../../src/events/jetstream-log.ts'
import { identityFromSeed } from '../../../src/identity/identity-key.ts'
import { createDatabase } from '../../setup/database.ts'
import { startNats, type TestNats } from '../../setup/nats.ts'
import { recordedFile } from './tampered-store.ts'

export const commandFile = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))
const identity = await identityFromSeed(new Uint8Array(32).fill(1))
export const coordinatorKey = Buffer.from(identity.publicKey).toString('hex')

/** A key and a signature with it, of each of three key types. */
export async function recordedSessions(): Promise<readonly SessionRecords[]> {
  const sessions: SessionRecords[] = []
  for await (const records of (await openExport(recordedFile)).sessions()) sessions.push(records)
  return sessions
}

export type Answer = Readonly<{ code: number; stdout: string; stderr: string }>

export type ArchivedLog = Readonly<{
  nats: TestNats
  log: EventLog
  /** Empty, and deleted with the rest. */
  folder: string
  append: (sessions: readonly SessionRecords[]) => Promise<void>
  /** Until checkpoints cover all that there is, by a coordinator whose database is new. */
  checkpoint: () => Promise<void>
  audit: (...args: readonly string[]) => Promise<Answer>
  close: () => Promise<void>
}>

export async function openArchivedLog(): Promise<ArchivedLog> {
  const [nats, folder] = await Promise.all([startNats(), mkdtemp(join(tmpdir(), 'mpc-archive-'))])
  const log = await openEventLog({ url: nats.url, name: 'tests', replicas: 1 })
  return {
    nats,
    log,
    folder,
    append: async (sessions) => {
      for (const { sessionId, lifecycle, messages } of sessions) {
        for (const { stream, sequence, subject, data } of [...lifecycle, ...messages]) {
          await log.append(subject, data, { messageId: `${sessionId} ${stream} ${sequence}` })
        }
      }
    },
    checkpoint: () => coverAll(log),
    audit: (...args) => audit(nats.url, args),
    close: async () => {
      await log.close()
      await nats.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The command in this process: starting one takes longer than most of what it does. */
async function audit(natsUrl: string, args: readonly string[]): Promise<Answer> {
  const printed: Record<'log' | 'error', string[]> = { log: [], error: [] }
  const spies = (['log', 'error'] as const).map((way) =>
    vi.spyOn(console, way).mockImplementation((line: unknown) => void printed[way].push(`${String(line)}\n`)),
  )
  vi.stubEnv('NATS_URL', natsUrl)
  process.exitCode = 0
  try {
    const program = new Command('mpc')
    addAuditCommands(program)
    await program.parseAsync(['audit', ...args], { from: 'user' })
    return { code: Number(process.exitCode), stdout: printed.log.join(''), stderr: printed.error.join('') }
  } catch (error) {
    // As program.ts does.
    return { code: 1, stdout: printed.log.join(''), stderr: error instanceof Error ? error.message : String(error) }
  } finally {
    process.exitCode = 0
    vi.unstubAllEnvs()
    spies.forEach((spy) => spy.mockRestore())
  }
}

async function coverAll(log: EventLog): Promise<void> {
  const database = await createDatabase()
  const tables = await openReadModel(database.url, () => undefined)
  const ends = await Promise.all([log.lastSequence('SESSIONS'), log.lastSequence('MESSAGES')])
  const all = ends[0] + ends[1]
  const failures: unknown[] = []
  const checkpointer: Checkpointer = startCheckpointer({
    log,
    store: checkpointStore(tables),
    policy: { identity, formerKeys: [], intervalMs: 20, maxEvents: 50 },
    now: Date.now,
    onError: (error) => void failures.push(error),
    onTampered: (error) => void failures.push(error),
  })
  try {
    while (checkpointer.status().covered < all && failures.length === 0) await delay(10)
    if (failures.length > 0) throw failures[0]
  } finally {
    await checkpointer.close()
    await tables.destroy()
    await database.drop()
  }
}
