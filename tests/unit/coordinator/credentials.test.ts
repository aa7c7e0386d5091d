/** Join tokens and party credentials. */
import { describe, expect, test } from 'vitest'
import {
  freshSession,
  hashSecret,
  partyCredential,
  repeatableSession,
  sessionOfJoinToken,
} from '../../../src/coordinator/credentials.ts'

const key = new Uint8Array(32).fill(1)
const identity = new Uint8Array(32).fill(2)

describe('a join token', () => {
  test('names its session and is never the same twice', () => {
    const { sessionId, joinTokenOf } = freshSession()
    const tokens = Array.from({ length: 100 }, () => joinTokenOf('alice'))
    expect(new Set(tokens).size).toBe(100)
    for (const token of tokens) {
      expect(token).toMatch(/^mpc_join_[A-Za-z0-9_-]{64}$/)
      expect(sessionOfJoinToken(token)).toBe(sessionId)
    }
  })

  test('has one spelling only', () => {
    const token = freshSession().joinTokenOf('alice')
    const others = ['token-uuid-1', '', token.slice(9), `${token}A`, token.slice(0, -1), `${token}=`, ` ${token}`]
    for (const other of others) expect(sessionOfJoinToken(other)).toBeNull()
  })
})

describe('a repeatable session', () => {
  const session = repeatableSession(key, 'caller:a', 'order-17')
  test('is the same for the same caller and key', () => {
    const again = repeatableSession(Uint8Array.from(key), 'caller:a', 'order-17')
    expect(again.sessionId).toBe(session.sessionId)
    expect(again.joinTokenOf('alice')).toBe(session.joinTokenOf('alice'))
    expect(sessionOfJoinToken(again.joinTokenOf('alice'))).toBe(session.sessionId)
  })
  test('is no other for another caller, key or coordinator secret, whatever the boundaries between them', () => {
    const others = [
      repeatableSession(key, 'caller:b', 'order-17'),
      repeatableSession(key, 'caller:a', 'order-18'),
      repeatableSession(key, 'caller:', 'aorder-17'),
      repeatableSession(new Uint8Array(32), 'caller:a', 'order-17'),
    ]
    expect(new Set([session, ...others].map(({ sessionId }) => sessionId)).size).toBe(5)
    expect(new Set([session, ...others].map(({ joinTokenOf }) => joinTokenOf('alice').slice(-43))).size).toBe(5)
  })
  test('has a token of its own for each party, which its id does not tell', () => {
    expect(session.joinTokenOf('bob')).not.toBe(session.joinTokenOf('alice'))
    const elsewhere = repeatableSession(new Uint8Array(32).fill(9), 'caller:a', 'order-17')
    expect(session.sessionId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(elsewhere.joinTokenOf('alice')).not.toBe(session.joinTokenOf('alice'))
  })
})

describe('a party credential', () => {
  test('is the same for the same party, and for no other', () => {
    const made = partyCredential(key, 'session', 'alice', identity)
    expect(made).toMatch(/^mpc_party_[A-Za-z0-9_-]{43}$/)
    expect(partyCredential(key, 'session', 'alice', identity)).toBe(made)
    const others = [
      partyCredential(new Uint8Array(32), 'session', 'alice', identity),
      partyCredential(key, 'sessiona', 'lice', identity),
      partyCredential(key, 'session', 'bob', identity),
      partyCredential(key, 'session', 'alice', new Uint8Array(0)),
    ]
    expect(new Set([made, ...others]).size).toBe(5)
  })

  test('is kept as a hash of 32 bytes', () => {
    expect(hashSecret(partyCredential(key, 's', 'p', identity))).toHaveLength(32)
  })
})
