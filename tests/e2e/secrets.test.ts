import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { decodeKeyShare, encodeKeyShare } from '../../src/crypto/key-share-codec.ts'
import { scalarToBytes } from '../../src/crypto/curve/scalar.ts'
import { recordingShares } from '../../bench/recording-host.ts'
import { createWorkerHost } from '../../src/party/node/worker-host.ts'
import { openDevice } from '../../src/cli/device.ts'
import { makeKey, recovery, tokenOf, user, useSystem } from './fixtures/system.ts'

const system = useSystem()

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

/** Raw, hex and base64: however a careless line of code might have written it. */
function forms(secret: Uint8Array): readonly Buffer[] {
  const bytes = Buffer.from(secret)
  return [bytes, Buffer.from(bytes.toString('hex')), Buffer.from(bytes.toString('base64').replace(/=+$/, ''))]
}

async function tableText(url: string): Promise<string> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const tables = await client.query<{ name: string }>(
      "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'coordinator'",
    )
    const rows: string[] = []
    for (const { name } of tables.rows) {
      const content = await client.query<{ row: string }>(`select t::text as row from ${name} t`)
      rows.push(...content.rows.map(({ row }) => row))
    }
    return rows.join('\n')
  } finally {
    await client.end()
  }
}

test('after a key generation no share, token or e-mail address is in the log, its files, the read models or any log line', async () => {
  const { stack } = system()
  const shares: Uint8Array[] = []
  const host = recordingShares(createWorkerHost(), shares)
  const devices = await Promise.all(
    [user, recovery].map(async ({ party_id, device_type, device_id }) => ({
      party_id,
      device: await openDevice({
        deviceType: device_type,
        deviceId: device_id,
        folder: join(stack.folder, 'devices', device_id),
        coordinatorUrl: stack.services['session-coordinator'].grpcUrl,
        routerUrl: stack.services['message-router'].grpcUrl,
        host,
      }),
    })),
  )
  const session = await system().openKeygen()
  const outcomes = await Promise.all(devices.map(({ party_id, device }) => makeKey(device, party_id, session)))
  for (const { device } of devices) device.close()
  await host.close()
  const [made] = outcomes
  if (made?.kind !== 'key-made') throw new Error('no key was made')
  await system().createAccount(Buffer.from(made.publicKey).toString('hex'))

  expect(shares).toHaveLength(2)
  const secrets = new Map<string, readonly Buffer[]>()
  shares.forEach((encoded, i) => {
    const share = decodeKeyShare(encoded)
    expect(encodeKeyShare(share)).toEqual(encoded)
    secrets.set(`share ${i}`, forms(scalarToBytes(share.secretShare)))
    for (const { index, zeroShareSeed, ot } of share.peers) {
      secrets.set(`zero-share seed of ${i} with ${index}`, forms(zeroShareSeed))
      if (ot !== null) {
        secrets.set(`base OT seeds of ${i} with ${index}`, forms(ot.asReceiver.seeds0.subarray(0, 32)))
        secrets.set(`choice bits of ${i} towards ${index}`, forms(ot.asSender.delta))
      }
    }
  })
  for (const partyId of Object.keys(session.join_tokens)) {
    secrets.set(`join token of ${partyId}`, [Buffer.from(tokenOf(session, partyId))])
  }
  secrets.set('e-mail address', [Buffer.from('@example.com')])

  const logFiles = [...filesBelow(join(stack.folder, 'nats')), ...filesBelow(join(stack.folder, 'logs'))]
  const places = new Map(logFiles.map((file) => [file, readFileSync(file)] as const))
  places.set('coordinator tables', Buffer.from(await tableText(stack.databaseUrl)))
  const stored = [...places.values()]
  // The search works: what must be there is found.
  expect(stored.some((content) => content.includes(session.session_id))).toBe(true)
  expect(stored.some((content) => content.includes(Buffer.from(made.publicKey)))).toBe(true)
  for (const [what, secretForms] of secrets) {
    for (const [place, content] of places) {
      expect(
        secretForms.some((form) => content.includes(form)),
        `${what} in ${place}`,
      ).toBe(false)
    }
  }
})
