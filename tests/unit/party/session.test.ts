import { bytesToHex } from '@noble/hashes/utils.js'
import { expect, test } from 'vitest'
import { createInlineHost } from '../../../src/party/execution/inline-host.ts'
import { secureRandom } from '../../../src/party/clock.ts'
import { recoverPublicKey } from '../../../src/crypto/ecdsa.ts'
import { MemoryServices } from './fixtures/memory-services.ts'
import { partiesOf, runAll, testParty } from './fixtures/parties.ts'
import { toySecretMarker } from './fixtures/toy-protocol.ts'

const three = ['device', 'server', 'recovery']

test(
  'three parties make a key with the real protocol and any two of them sign with it',
  { timeout: 120_000 },
  async () => {
    const host = createInlineHost(secureRandom)
    const keygen = new MemoryServices({ sessionType: 'keygen', thresholdT: 2, thresholdN: 3, partyIds: three })
    const parties = await partiesOf(keygen, three, () => ({ host }))
    const made = await runAll(keygen, parties)
    const [first] = made
    if (first?.kind !== 'key-made') throw new Error(JSON.stringify(made))
    expect(made).toEqual([first, first, first])
    expect(keygen.starts).toBe(1)

    const messageHash = new Uint8Array(32).fill(5)
    const signers = ['recovery', 'device']
    const plan = {
      sessionType: 'sign',
      thresholdT: 2,
      thresholdN: 3,
      partyIds: signers,
      messageHash,
      keyId: first.keyId,
    } as const
    const sign = new MemoryServices(plan)
    const again = await Promise.all(
      parties
        .filter(({ partyId }) => signers.includes(partyId))
        .map(({ partyId, folder }) => testParty(partyId, sign.transport(), { host, folder })),
    )
    const signed = await runAll(sign, again)
    const [signature] = signed
    if (signature?.kind !== 'signed') throw new Error(JSON.stringify(signed))
    expect(signed).toEqual([signature, signature])
    expect(recoverPublicKey(signature, messageHash)).toEqual(first.publicKey)
  },
)

test('progress names every step and every round with who sent how many bytes', async () => {
  const services = new MemoryServices({ sessionType: 'keygen', thresholdT: 2, thresholdN: 3, partyIds: three })
  const parties = await partiesOf(services, three)
  await runAll(services, parties)
  const [{ events } = { events: [] }] = parties
  const steps = events.map((event) => (event.type === 'round' ? `round ${event.round} ${event.phase}` : event.type))
  const rounds = [1, 2, 3].flatMap((round) => [`round ${round} sent`, `round ${round} received`])
  expect(steps).toEqual(['joined', 'ready', 'started', ...rounds, 'stored', 'reported', 'completed'])
  const sent = events.find((event) => event.type === 'round' && event.phase === 'sent' && event.round === 2)
  const received = parties[1]?.events.find(
    (event) => event.type === 'round' && event.phase === 'received' && event.round === 2,
  )
  if (sent?.type !== 'round' || sent.phase !== 'sent') throw new Error('no round 2')
  if (received?.type !== 'round' || received.phase !== 'received') throw new Error('no round 2')
  expect(sent.sent.map(({ to }) => to)).toEqual(['server', 'recovery'])
  const toServer = services.routed.find((message) => message.from === 'device' && message.to === 'server')
  expect(sent.sent[0]?.bytes).toBe(toServer?.payload.length)
  expect(received.received).toContainEqual({ from: 'device', bytes: toServer?.payload.length })
})

test('no one-to-one body can be read in anything that was routed', async () => {
  const services = new MemoryServices({ sessionType: 'keygen', thresholdT: 2, thresholdN: 3, partyIds: three })
  await runAll(services, await partiesOf(services, three))
  expect(services.routed).toHaveLength(3 + 6 + 9)
  const marker = bytesToHex(new TextEncoder().encode(toySecretMarker))
  for (const { payload } of services.routed) expect(bytesToHex(payload)).not.toContain(marker)
})

test('every run joins with a fresh ephemeral key and a fresh nonce', async () => {
  const used: string[] = []
  for (let run = 0; run < 2; run++) {
    const services = new MemoryServices({ sessionType: 'keygen', thresholdT: 2, thresholdN: 2, partyIds: ['a', 'b'] })
    await runAll(services, await partiesOf(services, ['a', 'b']))
    used.push(
      ...services
        .snapshot()
        .participants.flatMap(({ keys }) => [
          bytesToHex(keys?.nonce ?? Uint8Array.of()),
          bytesToHex(keys?.ephemeralKey ?? Uint8Array.of()),
        ]),
    )
  }
  expect(new Set(used).size).toBe(8)
})
