import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { openLiveLog } from '../../src/audit/live-log.ts'
import { exportLines } from '../../src/audit/write-export.ts'
import { decodeKeyShare, encodeKeyShare } from '../../src/crypto/key-share-codec.ts'
import { recordingShares } from '../../bench/recording-host.ts'
import { createWorkerHost } from '../../src/party/node/worker-host.ts'
import { openDevice } from '../../src/cli/device.ts'
import { describeDataFolder } from '../../src/cli/stack/data-folder.ts'
import type { Stack } from '../../src/cli/stack/stack.ts'
import { openPartyStore } from '../../src/party/node/party-store.ts'
import { openLogReader } from '../../src/events/log-reader.ts'
import { formsOf, secretsOfShare } from './fixtures/secret-forms.ts'
import { recordingNonces, rOf, scalarOf } from './fixtures/recorded-nonces.ts'
import { makeKey, recovery, server, sign, tokenOf, user, useSystem } from './fixtures/system.ts'

// Also where the services say all that they can.
const system = useSystem(() => ({ MPC_LOG_LEVEL: 'trace' }))
const messageHash = '8dcd9f3511659638d5c33938ddb7fee9bb63533b94a97c7467d3fd36abbdca81'

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

async function tableText(url: string, schema: string): Promise<string> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const tables = await client.query<{ name: string }>(
      "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = $1",
      [schema],
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

/** An audit export, as it is and with its events decoded. */
async function exportOf(natsUrl: string): Promise<ReadonlyMap<string, Buffer>> {
  const log = await openLogReader({ url: natsUrl, name: 'auditor' })
  try {
    const lines: string[] = []
    for await (const line of exportLines(await openLiveLog(log, Date.now()))) lines.push(line)
    const events = lines.map((line) => Buffer.from(/"data":"([^"]+)"/.exec(line)?.[1] ?? '', 'base64'))
    return new Map([
      ['audit export', Buffer.from(lines.join(''))],
      ['events of the audit export', Buffer.concat(events)],
    ])
  } finally {
    await log.close()
  }
}

/** What outlives sessions: key-encryption keys, identities and the key of the credentials, as their files have them. */
function longTermKeys(folder: string): ReadonlyMap<string, readonly Buffer[]> {
  const isKey = (text: string) => /^[0-9a-f]{64}$/.test(text)
  const files = filesBelow(join(folder, 'keys')).map((file) => [file, readFileSync(file, 'utf8').trim()] as const)
  return new Map(files.filter(([, text]) => isKey(text)).map(([file, text]) => [file, formsOf(Buffer.from(text, 'hex'))]))
}

/** What a server party has stored of the key, opened with the key that encrypts it, once the party is down. */
async function shareOfServer(stack: Stack, keyId: string): Promise<Uint8Array> {
  await stack.kill('server-party-1', 'SIGTERM')
  const { kekFile, shareFolder } = describeDataFolder(stack.folder).party('server-party-1')
  const store = await openPartyStore(shareFolder, Buffer.from(readFileSync(kekFile, 'utf8').trim(), 'hex'), 'server_001')
  const stored = await store.shares.get(keyId)
  if (stored === null) throw new Error('the server party has no share of the key')
  return stored.share
}

test('after a key and signatures no share, nonce, key, token or e-mail address is in log files, exports, databases or log lines', async () => {
  const { stack } = system()
  const shares: Uint8Array[] = []
  const nonces: Buffer[] = []
  const host = recordingNonces(recordingShares(createWorkerHost(), shares), nonces)
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
  const [made] = outcomes
  if (made?.kind !== 'key-made') throw new Error('no key was made')
  const account = await system().createAccount(Buffer.from(made.publicKey).toString('hex'))
  const signing = await system().openSigning(account, messageHash, [user, recovery])
  const signed = await Promise.all(devices.map(({ party_id, device }) => sign(device, party_id, signing, messageHash)))
  // So that a server party has signed, too, and told its log all about it.
  const withServer = await system().openSigning(account, messageHash, [user, server])
  const [phone] = devices
  if (phone === undefined) throw new Error('no device')
  expect(await sign(phone.device, phone.party_id, withServer, messageHash)).toMatchObject({ kind: 'signed' })
  for (const { device } of devices) device.close()
  await host.close()
  const [signature] = signed
  if (signature?.kind !== 'signed') throw new Error(`nothing was signed: ${JSON.stringify(signed)}`)

  expect(shares).toHaveLength(2)
  const secrets = new Map<string, readonly Buffer[]>()
  shares.forEach((encoded, i) => {
    expect(encodeKeyShare(decodeKeyShare(encoded))).toEqual(encoded)
    for (const [what, secret] of secretsOfShare(encoded)) secrets.set(`${what} of party ${i}`, formsOf(secret))
  })
  const ofServer = await shareOfServer(stack, session.session_id)
  for (const [what, secret] of secretsOfShare(ofServer)) secrets.set(`${what} of the server party`, formsOf(secret))
  for (const partyId of Object.keys(session.join_tokens)) {
    secrets.set(`join token of ${partyId}`, [Buffer.from(tokenOf(session, partyId))])
  }
  for (const [i, opened] of [signing, withServer].entries()) {
    for (const partyId of Object.keys(opened.join_tokens)) {
      secrets.set(`join token of ${partyId} for signature ${i}`, [Buffer.from(tokenOf(opened, partyId))])
    }
  }
  // These are the nonces: the first two make the first signature's r.
  expect(nonces).toHaveLength(3)
  expect(Buffer.from(signature.r).toString('hex')).toBe(rOf(nonces.slice(0, 2)))
  nonces.forEach((nonce, i) => secrets.set(`nonce ${i}`, [...formsOf(nonce), ...formsOf(scalarOf(nonce))]))
  const keys = longTermKeys(stack.folder)
  expect(keys.size).toBeGreaterThan(6)
  for (const [file, forms] of keys) secrets.set(file, forms)
  const email = 'e-mail address'
  secrets.set(email, [Buffer.from('@example.com')])

  const logFiles = [...filesBelow(join(stack.folder, 'nats')), ...filesBelow(join(stack.folder, 'logs'))]
  const places = new Map<string, Buffer>(logFiles.map((file) => [file, readFileSync(file)] as const))
  places.set('coordinator tables', Buffer.from(await tableText(stack.databaseUrl, 'coordinator')))
  const accounts = 'account tables'
  places.set(accounts, Buffer.from(await tableText(stack.databaseUrl, 'account')))
  for (const [part, content] of await exportOf(stack.natsUrl)) places.set(part, content)
  const stored = [...places.values()]
  // The search works: what must be there is found, and the server party has told all that it can.
  const serverLog = places.get(describeDataFolder(stack.folder).logFile('server-party-1'))
  expect(serverLog?.includes(withServer.session_id)).toBe(true)
  expect(serverLog?.toString()).toMatch(/"level":(10|20),/)
  expect(stored.some((content) => content.includes(session.session_id))).toBe(true)
  expect(stored.some((content) => content.includes(Buffer.from(made.publicKey)))).toBe(true)
  expect(places.get('events of the audit export')?.includes(session.session_id)).toBe(true)
  for (const [what, secretForms] of secrets) {
    for (const [place, content] of places) {
      // The one place that addresses are for, and a search that finds them there.
      const isExpected = what === email && place === accounts
      expect(
        secretForms.some((form) => content.includes(form)),
        `${what} in ${place}`,
      ).toBe(isExpected)
    }
  }
})
