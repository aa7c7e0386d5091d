import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { openAccounts } from '../../../src/account/database.ts'
import { startPostgres, type PostgresServer } from '../../../src/cli/postgres/postgres-server.ts'
import { createAuthority, openCertificateFolder, type Issued } from '../../setup/certificates.ts'

const folder = openCertificateFolder()
const authority = createAuthority('Postgres')
const [ca, otherCa] = [folder.write('ca.pem', authority.cert), folder.write('other.pem', createAuthority('other').cert)]
let postgres: PostgresServer

beforeAll(async () => {
  chmodSync(folder.folder, 0o711)
  const logFile = join(folder.folder, 'log')
  postgres = await startPostgres({ folder: join(folder.folder, 'postgres'), logFile, durable: false })
  await turnOnTls(authority.issue(['127.0.0.1']))
})

afterAll(async () => {
  await postgres.stop()
  folder.remove()
})

/** The server writes the files itself: its key has to be its own user's. */
async function turnOnTls({ cert, key }: Issued): Promise<void> {
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  try {
    const { rows } = await client.query<{ data_directory: string }>('show data_directory')
    const write = async (name: string, text: string) => {
      const file = join(rows[0]?.data_directory ?? '', name)
      const lines = `select unnest(string_to_array('${text.trim()}', chr(10)))`
      await client.query(`copy (${lines}) to '${file}'`)
      chmodSync(file, 0o600)
    }
    await write('tls.pem', cert)
    await write('tls.key', key)
    for (const setting of ["ssl_cert_file = 'tls.pem'", "ssl_key_file = 'tls.key'", "ssl = 'on'"]) {
      await client.query(`alter system set ${setting}`)
    }
    await client.query('select pg_reload_conf()')
    await vi.waitFor(async () => expect((await client.query('show ssl')).rows[0].ssl).toBe('on'), { timeout: 10_000 })
  } finally {
    await client.end()
  }
}

const open = (parameters: string) => openAccounts(`${postgres.url}?${parameters}`, () => {})

test('a service reaches Postgres over TLS where its URL says so', async () => {
  const database = await open(`sslmode=verify-full&sslrootcert=${ca}`)
  const { rows } = await sql<{ ssl: boolean }>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`.execute(database)
  expect(rows).toEqual([{ ssl: true }])
  await database.destroy()
})

test('one that another authority has signed for, or nobody that is trusted, is not spoken to', async () => {
  for (const parameters of [`sslmode=verify-full&sslrootcert=${otherCa}`, 'sslmode=verify-full']) {
    await expect(open(parameters)).rejects.toMatchObject({ name: 'ConfigurationError', variable: 'DATABASE_URL' })
  }
})
