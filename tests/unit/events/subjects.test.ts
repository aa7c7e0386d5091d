/** Nothing but an id can become part of a subject. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  allSessions,
  messagesOfSession,
  messageSubject,
  sessionIdOf,
  sessionSubject,
  streamOf,
} from '../../../src/events/subjects.ts'

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)

describe('subjects', () => {
  test('lead back to the session and its stream', () => {
    fc.assert(
      fc.property(id, id, (session, party) => {
        expect(sessionIdOf(sessionSubject(session))).toBe(session)
        expect(streamOf(sessionSubject(session))).toBe('SESSIONS')
        expect(sessionIdOf(messageSubject(session, party))).toBe(session)
        expect(streamOf(messageSubject(session, party))).toBe('MESSAGES')
        expect(streamOf(messagesOfSession(session))).toBe('MESSAGES')
      }),
    )
  })

  test('take no wildcard, separator, space, empty or overlong token', () => {
    for (const bad of ['', '*', '>', 'a.b', 'a b', 'a\r\nPUB x', 'ä', 'x'.repeat(65)]) {
      expect(() => sessionSubject(bad)).toThrow(RangeError)
      expect(() => messageSubject('session', bad)).toThrow(RangeError)
      expect(() => messagesOfSession(bad)).toThrow(RangeError)
    }
  })

  test('of other streams are not ours', () => {
    expect(streamOf(allSessions)).toBe('SESSIONS')
    for (const foreign of ['mpc.session.*', 'mpc.>', '>', '$JS.API.INFO', 'mpc.message.a', 'mpc.session.a.b']) {
      expect(() => streamOf(foreign)).toThrow(RangeError)
    }
    expect(sessionIdOf('other.session.a')).toBeNull()
  })
})
