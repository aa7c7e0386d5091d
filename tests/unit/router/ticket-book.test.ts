import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { SubscriptionTicketIssuedSchema } from '../../../src/gen/mpc/events/v1/message_events_pb.ts'
import { TicketBook } from '../../../src/router/ticket-book.ts'

function hash(ticket: number): Uint8Array {
  return new Uint8Array(32).fill(ticket)
}

function key(ticket: number): string {
  return Buffer.from(hash(ticket)).toString('hex')
}

function issue(book: TicketBook, ticket: number, partyId: string, timeMs: number): void {
  const expiresAtMs = BigInt(timeMs + 30_000)
  const origin = 'https://wallet.example'
  const fields = { ticketHash: hash(ticket), partyId, afterSequence: 7n, origin, expiresAtMs }
  book.issue(create(SubscriptionTicketIssuedSchema, fields), timeMs)
}

test('a ticket is what it was issued as, until the first redemption, which stays', () => {
  const book = new TicketBook()
  issue(book, 1, 'a', 0)
  const ticket = { partyId: 'a', afterSequence: 7, origin: 'https://wallet.example', expiresAtMs: 30_000 }
  expect(book.find(key(1))).toEqual({ ...ticket, redeemedBy: null })
  book.redeem(hash(1), 'first')
  book.redeem(hash(1), 'second')
  expect(book.find(key(1))).toEqual({ ...ticket, redeemedBy: 'first' })
  issue(book, 1, 'b', 0)
  expect(book.find(key(1))).toEqual({ ...ticket, redeemedBy: 'first' })
})

test('what was never issued cannot be redeemed', () => {
  const book = new TicketBook()
  book.redeem(hash(1), 'early')
  expect(book.find(key(1))).toBeNull()
  issue(book, 1, 'a', 0)
  expect(book.find(key(1))?.redeemedBy).toBeNull()
})

test('long expired tickets take no memory, and still count for their party', () => {
  const book = new TicketBook()
  for (let ticket = 0; ticket < 200; ticket += 1) issue(book, ticket, 'a', ticket * 1000)
  expect(book.size).toBeLessThan(100)
  expect(book.find(key(199))).not.toBeNull()
  expect([book.issuedTo('a'), book.issuedTo('b')]).toEqual([200, 0])
})
