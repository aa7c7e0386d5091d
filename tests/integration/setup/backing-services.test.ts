import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import pg from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { createDatabase } from '../../setup/database.ts'
import { startNats } from '../../setup/nats.ts'

test('databases of two tests share nothing', async () => {
  const databases = await Promise.all([createDatabase(), createDatabase()])
  onTestFinished(async () => {
    await Promise.all(databases.map((database) => database.drop()))
  })
  const [first, second] = databases.map((database) => new pg.Client({ connectionString: database.url }))
  await Promise.all([first?.connect(), second?.connect()])
  await first?.query('create table only_here (id int)')
  const found = await second?.query("select 1 from pg_tables where tablename = 'only_here'")
  await Promise.all([first?.end(), second?.end()])
  expect(found?.rowCount).toBe(0)
})

test('the run\'s nats-server has JetStream', async () => {
  const connection = await connect({ servers: inject('natsUrl') })
  const account = await (await jetstreamManager(connection)).getAccountInfo()
  await connection.close()
  expect(account.limits.max_storage).not.toBe(0)
})

test('a nats-server that is killed and started again on its store has every acknowledged message', async () => {
  const nats = await startNats()
  onTestFinished(nats.stop)
  const before = await connect({ servers: nats.url, reconnect: false })
  const manager = await jetstreamManager(before)
  await manager.streams.add({ name: 'KEPT', subjects: ['kept'], storage: 'file' })
  for (let i = 0; i < 20; i++) await jetstream(before).publish('kept', `message ${i}`)
  await nats.kill()
  await before.closed()
  await nats.restart()
  const after = await connect({ servers: nats.url })
  const info = await (await jetstreamManager(after)).streams.info('KEPT')
  await after.close()
  expect(info.state.messages).toBe(20)
})
