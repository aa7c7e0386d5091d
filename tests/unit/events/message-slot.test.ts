import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { messageId, refusalId, slotKey, slotOf, slotSubject } from '../../../src/events/message-slot.ts'

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/)
const slot = fc
  .tuple(id, fc.nat(1000), id, fc.uniqueArray(id, { maxLength: 4 }))
  .map(([sessionId, round, from, to]) => slotOf(sessionId, round, from, to))

describe('the id of a message', () => {
  test('is the same for the same slot, in whatever order the recipients are named', () => {
    expect(messageId(slotOf('s', 1, 'a', ['c', 'b']))).toBe(messageId(slotOf('s', 1, 'a', ['b', 'c'])))
  })

  test('differs when anything in the slot differs', () => {
    fc.assert(
      fc.property(slot, slot, (one, two) => {
        expect(messageId(one) === messageId(two)).toBe(JSON.stringify(one) === JSON.stringify(two))
        if (one.sessionId === two.sessionId) {
          expect(slotKey(one) === slotKey(two)).toBe(JSON.stringify(one) === JSON.stringify(two))
        }
      }),
    )
    const near = [slotOf('s', 1, 'a', []), slotOf('s', 1, 'a', ['b']), slotOf('s', 11, 'a', [])]
    expect(new Set(near.map(messageId)).size).toBe(near.length)
  })

  test('is not the id of a refusal, and refusals of different payloads differ', () => {
    const contested = slotOf('s', 1, 'a', ['b'])
    const ids = [messageId(contested), refusalId(contested, '00'), refusalId(contested, '01')]
    expect(new Set(ids).size).toBe(3)
  })
})

test.each([
  [[], 'mpc.message.s.all'],
  [['b'], 'mpc.message.s.b'],
  [['b', 'c'], 'mpc.message.s.all'],
])('a message to %j lies under %s', (to, subject) => {
  expect(slotSubject(slotOf('s', 1, 'a', to))).toBe(subject)
})
