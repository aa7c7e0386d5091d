import { expect, test } from 'vitest'
import { Inbox, type Arrival } from '../../../src/party/session/inbox.ts'

const arrival = (round: number, from: number, change: Partial<Arrival> = {}): Arrival => ({
  round,
  from,
  channel: 'broadcast',
  body: Uint8Array.of(round, from),
  digest: `${round}/${from}`,
  bytes: 100,
  payloadHash: new Uint8Array(32).fill(16 * round + from),
  ...change,
})
const broadcasts = (round: number) => ({ round, broadcast: true, direct: false })

test('a round is complete when every other party has sent every part of it', async () => {
  const inbox = new Inbox([0, 2])
  const collected = inbox.collect({ round: 1, broadcast: true, direct: true })
  for (const from of [2, 0]) inbox.accept(arrival(1, from))
  expect(inbox.missing()).toEqual([0, 2])
  inbox.accept(arrival(1, 0, { channel: 'direct' }))
  expect(inbox.missing()).toEqual([2])
  inbox.accept(arrival(1, 2, { channel: 'direct' }))
  const { inbound, received } = await collected
  expect(inbound.map(({ from }) => from)).toEqual([0, 2])
  expect(received).toEqual([
    { from: 0, bytes: 200 },
    { from: 2, bytes: 200 },
  ])
})

test('messages of the next round wait for it; further ones are not kept', async () => {
  const inbox = new Inbox([0])
  expect(inbox.accept(arrival(2, 0))).toBe('kept')
  expect(inbox.accept(arrival(3, 0))).toBe('too-early')
  expect(inbox.isTooEarly(3)).toBe(true)
  inbox.accept(arrival(1, 0))
  await inbox.collect(broadcasts(1))
  expect((await inbox.collect(broadcasts(2))).inbound).toEqual([{ from: 0, broadcast: Uint8Array.of(2, 0) }])
  expect(inbox.accept(arrival(3, 0))).toBe('kept')
})

test('the first message of a slot counts, and another one is a conflict, even after its round', async () => {
  const inbox = new Inbox([0])
  inbox.accept(arrival(1, 0))
  expect(inbox.accept(arrival(1, 0))).toBe('repeated')
  expect(inbox.accept(arrival(1, 0, { digest: 'other', body: Uint8Array.of(9) }))).toBe('conflict')
  expect((await inbox.collect(broadcasts(1))).inbound).toEqual([{ from: 0, broadcast: Uint8Array.of(1, 0) }])
  inbox.accept(arrival(2, 0))
  await inbox.collect(broadcasts(2))
  expect(inbox.accept(arrival(1, 0, { digest: 'other' }))).toBe('conflict')
  expect(inbox.accept(arrival(1, 0, { channel: 'direct' }))).toBe('late')
})

test('what a round does not expect is not delivered', async () => {
  const inbox = new Inbox([0])
  inbox.accept(arrival(1, 0))
  inbox.accept(arrival(1, 0, { channel: 'direct' }))
  const { inbound, received } = await inbox.collect(broadcasts(1))
  expect(inbound).toEqual([{ from: 0, broadcast: Uint8Array.of(1, 0) }])
  expect(received).toEqual([{ from: 0, bytes: 100 }])
})
