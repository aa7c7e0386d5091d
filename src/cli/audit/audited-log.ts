/** The log that the audit commands read, and what else they look things up in. */
import { join } from 'node:path'
import pg from 'pg'
import { openArchive, type Archive } from '../../audit/archive/open-archive.ts'
import type { KeptHead } from '../../audit/check-log.ts'
import type { KeptCheckpoints } from '../../audit/checkpoint-chain.ts'
import { openExport } from '../../audit/read-export.ts'
import type { LogReader } from '../../events/event-log.ts'
import type { LogAddress } from '../../events/jetstream-connect.ts'
import { openLogReader } from '../../events/log-reader.ts'
import { logOf, runningDatabaseUrl } from '../stack/running-backing.ts'
import { StartupError } from '../startup-error.ts'

export type WhereOptions = Readonly<{
  /** Data folder of a dev stack. */
  data: string
}>

export function addressOf({ data }: WhereOptions): LogAddress {
  return { ...logOf(data, process.env), name: 'auditor' }
}

/** Null where none is named. Throws UnreadableArchive. */
export async function archiveAt(folder: string | undefined): Promise<Archive | null> {
  return folder === undefined ? null : openArchive(folder)
}

/** The checkpoints in its files. Throws UnreadableExport. */
export async function archivedCheckpoints({ folder, files }: Archive): Promise<readonly KeptCheckpoints[]> {
  const kept: KeptCheckpoints[] = []
  for (const { name } of files) {
    const path = join(folder, name)
    kept.push({ keeper: path, checkpoints: (await openExport(path)).checkpoints })
  }
  return kept
}

/** Runs `use` on the log at NATS_URL or of the running stack. Throws StartupError, LogUnavailable. */
export async function withLog<Result>(
  { data }: WhereOptions,
  use: (log: LogReader) => Promise<Result>,
): Promise<Result> {
  const log = await openLogReader(addressOf({ data }))
  try {
    return await use(log)
  } finally {
    await log.close()
  }
}

/**
 * The ends of all sessions' chains, as the coordinator keeps them in Postgres. `url`: true for DATABASE_URL, or the
 * running stack's. Throws StartupError.
 */
export async function chainHeads(url: string | true, where: WhereOptions): Promise<ReadonlyMap<string, KeptHead>> {
  return withDatabase(url, where, 'the chain heads', async (client) => {
    type Row = { session_id: string; version: number; chain_head: Buffer; changed_at_ms: string }
    const { rows } = await client.query<Row>(
      'select session_id, version, chain_head, changed_at_ms from coordinator.sessions',
    )
    return new Map(
      rows.map(({ session_id: sessionId, version, chain_head: hash, changed_at_ms: changedAtMs }) => {
        return [sessionId, { version, hash: Uint8Array.from(hash), changedAtMs: Number(changedAtMs) }] as const
      }),
    )
  })
}

/** The checkpoints that the coordinator keeps in Postgres. `url` as above. Throws StartupError. */
export async function keptCheckpoints(url: string | true, where: WhereOptions): Promise<KeptCheckpoints> {
  return withDatabase(url, where, 'the checkpoints', async (client) => {
    const { rows } = await client.query<{ sequence: string; stored: Buffer }>(
      'select sequence, stored from coordinator.log_checkpoints order by sequence',
    )
    return {
      keeper: 'Postgres',
      checkpoints: rows.map(({ sequence, stored }) => ({ sequence: Number(sequence), data: stored })),
    }
  })
}

async function withDatabase<Result>(
  url: string | true,
  { data }: WhereOptions,
  what: string,
  use: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const connectionString = url === true ? process.env['DATABASE_URL'] || runningDatabaseUrl(data) : url
  const client = new pg.Client({ connectionString, application_name: 'auditor', connectionTimeoutMillis: 5000 })
  try {
    await client.connect()
    return await use(client)
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown reason'
    throw new StartupError(`${what} in Postgres cannot be read: ${reason}`)
  } finally {
    await client.end().catch(() => {})
  }
}
