/**
 * What damaged messages of signing leave behind at a party with real storage: for every bit flip of every field, from
 * the schemas, the outcome, who is named, and on disk the ban and the OT state with that peer.
 */
import { expect, test } from 'vitest'
import { encodeKeyShare, decodeKeyShare } from '../../../src/crypto/key-share-codec.ts'
import { peerState } from '../../../src/crypto/key-share.ts'
import type { Step } from '../../../src/crypto/protocol.ts'
import { secureRandom } from '../../../src/party/clock.ts'
import type { ExecutionHost } from '../../../src/party/execution/execution-host.ts'
import { createInlineHost } from '../../../src/party/execution/inline-host.ts'
import { openPartyStore } from '../../../src/party/node/party-store.ts'
import { makeKey, shareOf } from '../crypto/fixtures.ts'
import { consequenceOf, damaged, placeOf, signConsequences, signDamages, type Damage } from '../crypto/sign-damage.ts'
import { MemoryServices, type SessionPlan } from './fixtures/memory-services.ts'
import { giveToyKey, kek, runAll, temporaryFolder, testParty } from './fixtures/parties.ts'

const members = ['corrupt', 'honest', 'absent']
const keyId = 'key-1'
const messageHash = new Uint8Array(32).fill(5)
const partyIds = ['corrupt', 'honest']
const plan: SessionPlan = { sessionType: 'sign', thresholdT: 2, thresholdN: 3, partyIds, messageHash, keyId }
const host = createInlineHost(secureRandom)
const shares = makeKey(2, 3)
const { publicKey } = shareOf(shares, 0)

/** The real protocol, with one field of one message damaged before it is signed and sealed. */
function damagingHost(damage: Damage, sent: (body: Uint8Array) => void): ExecutionHost {
  const spoiled = <Result>(step: Step<Result>): Step<Result> => {
    if (step.kind !== 'next' || step.round !== damage.round) return step
    const outbound = step.outbound.map((message) => {
      if (message.kind !== damage.channel) return message
      sent(message.body)
      return { ...message, body: damaged(damage, message.body) }
    })
    return { ...step, outbound }
  }
  return {
    open: async (task) => {
      const run = await host.open(task)
      return {
        start: async () => spoiled(await run.start()),
        receive: async (round, inbound) => spoiled(await run.receive(round, inbound)),
        close: () => run.close(),
      }
    },
    close: async () => {},
  }
}

test('a ban is on disk and OT state gone exactly where the table says ban', { timeout: 240_000 }, async () => {
  const seen = new Set<string>()
  let bans = 0
  for (const damage of signDamages) {
    const services = new MemoryServices(plan)
    // The first failure that is reported ends the session for all: the honest party's own is what counts here.
    const given = Promise.withResolvers<void>()
    services.hooks.beforeReport = (partyId) => (partyId === 'honest' ? given.resolve() : given.promise)
    let body = new Uint8Array(0)
    const damaging = damagingHost(damage, (sent) => (body = Uint8Array.from(sent)))
    const folder = await temporaryFolder()
    const corrupt = await testParty('corrupt', services.transport(), { host: damaging })
    const honest = await testParty('honest', services.transport(), { host, folder })
    for (const [index, party] of [corrupt, honest].entries()) {
      await giveToyKey(party, members, keyId, { publicKey }, encodeKeyShare(shareOf(shares, index)))
    }
    const [, outcome] = await runAll(services, [corrupt, honest])

    const { reason, blame, severity } = consequenceOf(damage, body)
    const culprits = blame === 'names the sender' ? ['corrupt'] : []
    const where = `${placeOf(damage)}, ${damage.bit}`
    expect(outcome, where).toMatchObject({ kind: 'failed', reason: reason.replaceAll('-', '_'), culprits })
    const onDisk = await openPartyStore(folder, kek, 'device-of-honest')
    const stored = await onDisk.shares.get(keyId)
    if (stored === null) throw new Error('the share is gone')
    const share = decodeKeyShare(stored.share)
    expect(onDisk.guard.bans().map(({ partyId }) => partyId), where).toEqual(severity === 'ban' ? ['corrupt'] : [])
    expect(peerState(share, 0).ot === null, where).toBe(severity === 'ban')
    expect(stored.key.erasedPeers, where).toEqual(severity === 'ban' ? [0] : [])
    expect(peerState(share, 2).ot, where).not.toBeNull() // with the other peer it goes on
    seen.add(placeOf(damage))
    if (severity === 'ban') bans += 1
  }
  console.log(`${signDamages.length} cases in ${seen.size} fields, ${bans} of them bans`)
  expect(seen).toEqual(new Set(Object.keys(signConsequences)))
  expect(bans).toBeGreaterThanOrEqual(20)
})
