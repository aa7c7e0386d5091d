import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { takeLifecycle } from '../../../src/audit/lifecycle.ts'
import { openLiveLog } from '../../../src/audit/live-log.ts'
import { openExport } from '../../../src/audit/read-export.ts'
import { bindingOf } from '../../../src/audit/session-messages.ts'
import { writeExport } from '../../../src/cli/audit/export.ts'
import { connectService } from '../../../src/edge/service-client.ts'
import { openLogReader } from '../../../src/events/log-reader.ts'
import { decodeMessageEvent } from '../../../src/events/message-event.ts'
import { PartyEnvelopeSchema } from '../../../src/gen/mpc/party/v1/envelope_pb.ts'
import { sealStatement } from '../../../src/identity/envelope-statement.ts'
import { identityFromSeed } from '../../../src/identity/identity-key.ts'
import { open } from '../../../src/identity/seal.ts'
import { approveKeygen } from '../../../src/party/approval.ts'
import { openPartyStore } from '../../../src/party/node/party-store.ts'
import { createWorkerHost } from '../../../src/party/node/worker-host.ts'
import { createParty } from '../../../src/party/party.ts'
import { createConnectTransport } from '../../../src/party/transport/connect-transport.ts'
import { startServices, type Services } from '../party/services.ts'

let services: Services
let folder: string

beforeAll(async () => {
  services = await startServices()
  folder = await mkdtemp(join(tmpdir(), 'mpc-forward-secrecy-'))
})
afterAll(async () => {
  await services.close()
  await rm(folder, { recursive: true, force: true })
})

/** A device and the server make a key. Whatever the device draws is kept here, as no device would. */
async function makeKey(identitySeed: Uint8Array, kek: Uint8Array, drawn: Uint8Array[]): Promise<void> {
  const device = { deviceType: 'iOS', deviceId: 'device_001' }
  const server = { partyId: 'server', deviceType: 'server', deviceId: 'server_001' }
  const participants = [{ partyId: 'device', ...device }, server]
  const terms = { sessionType: 'keygen', thresholdT: 2, thresholdN: 2 }
  const created = await services.caller.createSession({ ...terms, participants })
  const connections = [connectService(services.coordinatorUrl), connectService(services.routerUrl)] as const
  const host = createWorkerHost({ workers: 1 })
  const party = createParty({
    identity: await identityFromSeed(identitySeed),
    device,
    transport: createConnectTransport(connections[0].transport, connections[1].transport),
    ...(await openPartyStore(folder, kek, device.deviceId)),
    host,
    rng: (length) => {
      const fresh = Uint8Array.from(randomBytes(length))
      drawn.push(fresh.slice())
      return fresh
    },
  })
  try {
    const joinToken = created.joinTokens['device'] ?? ''
    const made = await party.run({ joinToken, partyId: 'device', approve: approveKeygen() })
    expect(made).toMatchObject({ kind: 'key-made' })
  } finally {
    connections.forEach((connection) => connection.close())
    await host.close()
  }
}

/** How many one-to-one messages of the export there are, and which of them open with one of the secrets. */
async function openedWith(file: string, secrets: readonly Uint8Array[]) {
  const opened: string[] = []
  let sealed = 0
  for await (const records of (await openExport(file)).sessions()) {
    const binding = bindingOf((await takeLifecycle(records)).facts)
    if (binding === null) throw new Error('no roster')
    for (const { data } of records.messages) {
      const { payload } = decodeMessageEvent(data) ?? {}
      if (payload?.case !== 'messageRouted') continue
      const { round, from, to, body } = fromBinary(PartyEnvelopeSchema, payload.value.payload)
      if (body.case !== 'sealed') continue
      sealed += 1
      const bound = sealStatement(binding, { round, from, to })
      for (const secret of secrets) {
        if ((await open(secret, bound, bound, body.value)) !== null) opened.push(`${from} to ${to} in round ${round}`)
      }
    }
  }
  return { sealed, opened }
}

test('with an export and every long-term key, but not those of the session, no one-to-one message opens', async () => {
  const [identitySeed, kek] = [randomBytes(32), randomBytes(32)]
  const drawn: Uint8Array[] = []
  await makeKey(identitySeed, kek, drawn)
  const log = await openLogReader({ url: services.natsUrl, name: 'auditor' })
  const file = join(folder, 'export')
  await writeExport(await openLiveLog(log, Date.now()), file, false)
  await log.close()

  const longTerm = [identitySeed, kek, ...Object.values(services.longTermSecrets)]
  const asSecrets = longTerm.flatMap((key) => [key, ed25519.utils.toMontgomerySecret(key), sha256(key)])
  const { sealed, opened } = await openedWith(file, asSecrets)
  expect(sealed).toBeGreaterThan(0)
  expect(opened).toEqual([])

  // The search works: what the device drew for this session alone opens all that was sent to it.
  const ephemeral = drawn.filter(({ length }) => length === 32)
  const toDevice = ['server to device in round 2', 'server to device in round 3']
  expect((await openedWith(file, ephemeral)).opened).toEqual(toDevice)
})
