/**
 * Messages come late, twice, in any order, mixed with rubbish: the session still completes, with the same key for all.
 */
import { fromBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PartyEnvelopeSchema } from '../../../src/gen/mpc/party/v1/envelope_pb.ts'
import { sealEnvelope } from '../../../src/party/envelope.ts'
import { MemoryServices } from './fixtures/memory-services.ts'
import { partiesOf, runAll } from './fixtures/parties.ts'

const three = ['device', 'server', 'recovery']

test('a session completes under every schedule of delivery', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 8, maxLength: 8 }),
      async (s, copies) => {
        const services = new MemoryServices({ sessionType: 'keygen', thresholdT: 2, thresholdN: 3, partyIds: three })
        let delivered = 0
        services.hooks.deliver = (_to, message, push) => {
          const times = copies[delivered++ % copies.length] ?? 1
          for (let copy = 0; copy < times; copy++) void s.schedule(Promise.resolve()).then(() => push(message))
          // Rubbish in the same slots, as a router could make it.
          push({ ...message, payload: message.payload.map((byte, i) => (i === 60 ? byte ^ 1 : byte)) })
        }
        const outcomes = await s.waitFor(partiesOf(services, three).then((parties) => runAll(services, parties)))
        expect(outcomes.map(({ kind }) => kind)).toEqual(['key-made', 'key-made', 'key-made'])
        expect(services.reports.map(({ report }) => report.kind)).toEqual(['key-made', 'key-made', 'key-made'])
      },
    ),
    { numRuns: 25 },
  )
})

test('a peer that is a round ahead is waited for with its messages kept', async () => {
  const services = new MemoryServices({ sessionType: 'keygen', thresholdT: 2, thresholdN: 2, partyIds: ['a', 'b'] })
  const held: (() => void)[] = []
  services.hooks.deliver = (to, message, push) => (to === 'b' ? held.push(() => push(message)) : push(message))
  const parties = await partiesOf(services, ['a', 'b'])
  const running = runAll(services, parties)
  await expect.poll(() => held.length).toBe(2)
  services.hooks.deliver = (_to, message, push) => push(message)
  held.reverse().forEach((release) => release())
  expect((await running).map(({ kind }) => kind)).toEqual(['key-made', 'key-made'])
})

test('rubbish, forged and replayed messages are dropped and counted, and never end a session', async () => {
  const earlier = new MemoryServices({ sessionType: 'keygen', thresholdT: 2, thresholdN: 2, partyIds: ['a', 'b'] })
  await runAll(earlier, await partiesOf(earlier, ['a', 'b']))
  const services = new MemoryServices({ sessionType: 'keygen', thresholdT: 2, thresholdN: 2, partyIds: ['a', 'b'] })
  services.hooks.deliver = (to, message, push) => {
    const old = earlier.routed.find(({ from, round }) => from === message.from && round === message.round)
    if (old !== undefined) push({ ...message, payload: old.payload })
    push({ ...message, payload: Uint8Array.of(1, 2, 3) })
    push({ ...message, from: to })
    push({ ...message, round: 900 })
    push(message)
  }
  const parties = await partiesOf(services, ['a', 'b'])
  expect((await runAll(services, parties)).map(({ kind }) => kind)).toEqual(['key-made', 'key-made'])
  const dropped = parties[0]?.party.droppedMessages()
  expect([...(dropped?.keys() ?? [])].sort()).toEqual(['malformed', 'too-early', 'wrong-sender', 'wrong-session'])
})

test('of two messages that a peer signed for one slot the first counts and the second is recorded', async () => {
  const services = new MemoryServices({ sessionType: 'keygen', thresholdT: 2, thresholdN: 2, partyIds: ['a', 'b'] })
  const [a, b] = await partiesOf(services, ['a', 'b'])
  if (a === undefined || b === undefined) throw new Error('no parties')
  let second: Promise<void> = Promise.resolve()
  services.hooks.deliver = (to, message, push) => {
    const inTurn = second.then(() => push(message))
    if (to !== 'a' || message.round !== 1) return
    const { sessionId, sid } = fromBinary(PartyEnvelopeSchema, message.payload)
    const rosterHash = services.snapshot().rosterHash ?? new Uint8Array(0)
    const context = { protocol: 'dkls23-keygen', sessionId, sid, rosterHash } as const
    const sender = { identity: b.identity, recipientKey: null }
    second = inTurn
      .then(() => sealEnvelope(context, { round: 1, from: 'b', to: null }, Uint8Array.of(9), sender))
      .then((payload) => push({ ...message, payload }))
  }
  expect((await runAll(services, [a, b])).map(({ kind }) => kind)).toEqual(['key-made', 'key-made'])
  expect([...a.party.droppedMessages()]).toEqual([['equivocation', 1]])
})
