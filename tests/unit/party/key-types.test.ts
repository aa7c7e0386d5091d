/** Keys of the other types in the party runtime: made, kept, agreed to and signed with. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { describe, expect, test } from 'vitest'
import type { FrostKeyType } from '../../../src/crypto/key-type.ts'
import { verifyIdentity } from '../../../src/identity/identity-key.ts'
import { resultStatement } from '../../../src/identity/statement.ts'
import { approveKeygen, approveSigning } from '../../../src/party/approval.ts'
import { secureRandom } from '../../../src/party/clock.ts'
import type { HostedRun, ProtocolTask } from '../../../src/party/execution/execution-host.ts'
import { createInlineHost } from '../../../src/party/execution/inline-host.ts'
import { openFileRecords } from '../../../src/party/node/file-records.ts'
import type { Approve, Terms } from '../../../src/party/session/terms.ts'
import { openRecord, recordKey, sealRecord } from '../../../src/party/store/sealed-record.ts'
import { createShareStore } from '../../../src/party/store/share-store.ts'
import { libsecp256k1VerifiesBip340, opensslVerifiesEd25519 } from '../../../src/cli/demo/schnorr-check.ts'
import { MemoryServices, type SessionPlan } from './fixtures/memory-services.ts'
import { giveToyKey, identityOf, kek, orderOf, partiesOf, runAll } from './fixtures/parties.ts'
import { temporaryFolder, testParty } from './fixtures/parties.ts'

const three = ['device', 'server', 'recovery']
const message = new TextEncoder().encode('what an Ed25519 key signs is no hash')
const messageHash = new Uint8Array(32).fill(5)
const frost = [
  ['eddsa-ed25519', { message }, message, opensslVerifiesEd25519],
  ['schnorr-secp256k1', { messageHash }, messageHash, libsecp256k1VerifiesBip340],
] as const
const host = createInlineHost(secureRandom)
const keygenPlan = { sessionType: 'keygen', thresholdT: 2, thresholdN: 3, partyIds: three } as const

/** The same run, whose signature has a bit flipped at the end. */
function spoiling(run: HostedRun): HostedRun {
  const receive = async (...round: Parameters<HostedRun['receive']>): ReturnType<HostedRun['receive']> => {
    const step = await run.receive(...round)
    if (step.kind !== 'done' || step.result.protocol !== 'frost-sign') return step
    const signature = step.result.signature.map((byte, i) => (i === 40 ? byte ^ 1 : byte))
    return { ...step, result: { ...step.result, signature } }
  }
  return { ...run, receive }
}

async function makeKey(keyType: FrostKeyType) {
  const services = new MemoryServices({ ...keygenPlan, keyType })
  const parties = await partiesOf(services, three, () => ({ host }))
  const made = await runAll(services, parties)
  const [first] = made
  if (first?.kind !== 'key-made') throw new Error(JSON.stringify(made))
  expect(made).toEqual([first, first, first])
  return { parties, ...first }
}

describe.each(frost)('a key of type %s', (keyType, asked, signed, verifies) => {
  test('is made by three parties, and any two of them sign with it', async () => {
    const { parties, keyId, publicKey } = await makeKey(keyType)
    for (const { store } of parties) expect((await store.shares.get(keyId))?.key).toMatchObject({ keyType, publicKey })
    const signers = ['recovery', 'device']
    const plan = { sessionType: 'sign', keyType, thresholdT: 2, thresholdN: 3, partyIds: signers, keyId } as const
    const services = new MemoryServices({ ...plan, ...asked })
    const again = await Promise.all(
      parties
        .filter(({ partyId }) => signers.includes(partyId))
        .map(({ partyId, folder }) => testParty(partyId, services.transport(), { host, folder })),
    )
    const outcomes = await runAll(services, again)
    const [outcome] = outcomes
    if (outcome?.kind !== 'schnorr-signed') throw new Error(JSON.stringify(outcomes))
    expect(outcomes).toEqual([outcome, outcome])
    expect(outcome).toMatchObject({ keyType, keyId, publicKey, message: signed })
    expect(verifies(outcome.signature, signed, publicKey)).toBe(true)
    const { rosterHash } = services.snapshot()
    for (const { partyId, report } of services.reports) {
      const resultSignature = report.kind === 'signed' ? report.resultSignature : new Uint8Array(0)
      const { sessionId } = services
      const about = { sessionId, partyId, rosterHash: rosterHash ?? new Uint8Array(0), result: outcome.signature }
      const { publicKey: identityKey } = await identityOf(partyId)
      expect(await verifyIdentity(identityKey, resultStatement({ ...about, keyType }), resultSignature)).toBe(true)
    }
  })

  test('gives no signature that does not verify under the stored key, whatever the computation says', async () => {
    const { parties, keyId } = await makeKey(keyType)
    const partyIds = ['device', 'server']
    const plan = { sessionType: 'sign', keyType, thresholdT: 2, thresholdN: 3, partyIds, keyId } as const
    const services = new MemoryServices({ ...plan, ...asked })
    const lying = { ...host, open: async (task: ProtocolTask) => spoiling(await host.open(task)) }
    const signers = await Promise.all(
      parties
        .slice(0, 2)
        .map(({ partyId, folder }) => testParty(partyId, services.transport(), { host: lying, folder })),
    )
    const reasons = (await runAll(services, signers)).map((outcome) => outcome.kind === 'failed' && outcome.reason)
    expect(reasons).toContain('signature_invalid')
    expect(services.reports.map(({ report }) => report.kind)).not.toContain('signed')
  })

  test('is refused by a party that was not told to expect it', async () => {
    const services = new MemoryServices({ ...keygenPlan, keyType })
    const device = await testParty('device', services.transport(), { host })
    const approve = approveKeygen()
    expect(await device.party.run(orderOf(services, device, { approve }))).toMatchObject({ reason: 'terms_unexpected' })
  })
})

const keyId = 'key-1'
const plan: SessionPlan = { sessionType: 'sign', thresholdT: 2, thresholdN: 3, partyIds: ['device', 'server'], keyId }

test.each<[string, string, SessionPlan, FrostKeyType | 'ecdsa-secp256k1']>([
  ['its share is for ECDSA', 'key_mismatch', { ...plan, keyType: 'schnorr-secp256k1', messageHash }, 'ecdsa-secp256k1'],
  ['its share is for BIP-340', 'key_mismatch', { ...plan, messageHash }, 'schnorr-secp256k1'],
  ['the message is missing', 'terms_unexpected', { ...plan, keyType: 'eddsa-ed25519', messageHash }, 'eddsa-ed25519'],
  [
    'the message is too long',
    'terms_unexpected',
    { ...plan, keyType: 'eddsa-ed25519', message: new Uint8Array(65_537) },
    'eddsa-ed25519',
  ],
  ['the hash is missing', 'terms_unexpected', { ...plan, keyType: 'schnorr-secp256k1', message }, 'schnorr-secp256k1'],
])('a party does not sign when %s', async (_what, reason, session, keyType) => {
  const services = new MemoryServices(session)
  const device = await testParty('device', services.transport())
  await giveToyKey(device, three, keyId, { keyType })
  expect(await device.party.run(orderOf(services, device))).toMatchObject({ kind: 'failed', reason })
  expect(services.routed).toEqual([])
})

test('terms of an unknown key type are none', async () => {
  const services = new MemoryServices({ ...plan, messageHash })
  services.hooks.show = (_partyId, session) => ({ ...session, keyType: 'rsa' })
  const device = await testParty('device', services.transport())
  expect(await device.party.run(orderOf(services, device))).toMatchObject({ reason: 'terms_unexpected' })
})

test('what is to be signed cannot be changed after a party has agreed to it', async () => {
  const { parties, keyId: made } = await makeKey('eddsa-ed25519')
  const services = new MemoryServices({ ...plan, keyType: 'eddsa-ed25519', keyId: made, message })
  services.hooks.show = (_partyId, session) =>
    session.status === 'in_progress' ? { ...session, message: messageHash } : session
  const signers = await Promise.all(
    parties
      .slice(0, 2)
      .map(({ partyId, folder }) => testParty(partyId, services.transport(), { host, folder })),
  )
  const outcomes = await runAll(services, signers)
  expect(outcomes.map((outcome) => outcome.kind === 'failed' && outcome.reason)).toContain('terms_changed')
  expect(services.routed).toEqual([])
})

describe('an owner who agreed', () => {
  const terms = (keyType: Terms['keyType'], toSign: Uint8Array): Terms => {
    const common = { sessionId: 's', thresholdT: 2, thresholdN: 3, partyIds: ['a', 'b'], policy: null }
    return { kind: 'sign', keyType, keyId, publicKey: '', message: toSign, approvals: [], ...common }
  }
  const decide = async (approve: Approve, asked: Terms) => {
    const decision = await approve(asked, new AbortController().signal)
    return decision.kind === 'decline' ? decision.reason : decision.kind
  }

  test('to a message signs that message with an Ed25519 key, and no hash', async () => {
    const approve = approveSigning({ message: messageHash })
    expect(await decide(approve, terms('eddsa-ed25519', messageHash))).toBe('approve')
    expect(await decide(approve, terms('eddsa-ed25519', message))).toBe('message_mismatch')
    expect(await decide(approve, terms('schnorr-secp256k1', messageHash))).toBe('message_mismatch')
    expect(await decide(approve, terms('ecdsa-secp256k1', messageHash))).toBe('message_mismatch')
  })

  test('to a hash signs that hash with a key that signs hashes, and no message', async () => {
    const approve = approveSigning({ messageHash })
    expect(await decide(approve, terms('schnorr-secp256k1', messageHash))).toBe('approve')
    expect(await decide(approve, terms('ecdsa-secp256k1', messageHash))).toBe('approve')
    expect(await decide(approve, terms('eddsa-ed25519', messageHash))).toBe('message_hash_mismatch')
  })
})

describe('a stored share', () => {
  const share = new TextEncoder().encode('the secret share of this party')

  async function stored(change: Readonly<Record<string, unknown>>) {
    const records = await openFileRecords(await temporaryFolder(), '.share')
    const key = recordKey({ dataKey: kek, former: null }, 'key-share', 'device-of-device', secureRandom)
    const store = createShareStore(records, key)
    const device = { partyId: 'device', store: { shares: store } } as Parameters<typeof giveToyKey>[0]
    await giveToyKey(device, three, keyId, { keyType: 'eddsa-ed25519' }, share)
    const { header, body } = openRecord(key, keyId, (await records.get(keyId)) ?? new Uint8Array(0))
    const changed = sealRecord(key, keyId, { ...(header as object), ...change }, body)
    return { records, store, rewrite: () => records.put(keyId, changed) }
  }

  test('from before there were key types is one for ECDSA', async () => {
    const { store, rewrite } = await stored({ keyType: undefined, curve: 'secp256k1' })
    await rewrite()
    const found = await store.get(keyId)
    expect(found?.key.keyType).toBe('ecdsa-secp256k1')
    expect(found?.key).not.toHaveProperty('curve')
  })

  test('of an unknown type is an error', async () => {
    const { store, rewrite } = await stored({ keyType: 'rsa' })
    await rewrite()
    await expect(store.get(keyId)).rejects.toThrow('unknown key type')
  })

  test('whose type was changed on disk does not open', async () => {
    const { records, store } = await stored({})
    const bytes = Buffer.from((await records.get(keyId)) ?? [])
    const at = bytes.indexOf('eddsa-ed25519')
    expect(at).toBeGreaterThan(0)
    bytes.write('eddsa-ed25518', at)
    await records.put(keyId, bytes)
    await expect(store.get(keyId)).rejects.toThrow(/cannot be decrypted/)
  })

  test('of a FROST key survives a ban as it is: there is no state of a pair to erase', async () => {
    const services = new MemoryServices({ ...plan, messageHash })
    const device = await testParty('device', services.transport())
    await giveToyKey(device, three, keyId, { keyType: 'eddsa-ed25519' }, share)
    await device.store.guard.ban({ keyId, partyId: 'server', reason: 'test', sessionId: 's', bannedAtMs: 0 })
    expect(device.store.guard.isBanned(keyId, 'server')).toBe(true)
    expect(bytesToHex((await device.store.shares.get(keyId))?.share ?? new Uint8Array(0))).toBe(bytesToHex(share))
  })
})
