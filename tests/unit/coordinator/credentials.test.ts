/** Join tokens and party credentials. */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { hashSecret, makeJoinToken, partyCredential, sessionOfJoinToken } from '../../../src/coordinator/credentials.ts'

const key = new Uint8Array(32).fill(1)
const identity = new Uint8Array(32).fill(2)

describe('a join token', () => {
  test('names its session and is never the same twice', () => {
    const sessionId = randomUUID()
    const tokens = Array.from({ length: 100 }, () => makeJoinToken(sessionId))
    expect(new Set(tokens).size).toBe(100)
    for (const token of tokens) {
      expect(token).toMatch(/^mpc_join_[A-Za-z0-9_-]{64}$/)
      expect(sessionOfJoinToken(token)).toBe(sessionId)
    }
  })

  test('has one spelling only', () => {
    const token = makeJoinToken(randomUUID())
    const others = ['token-uuid-1', '', token.slice(9), `${token}A`, token.slice(0, -1), `${token}=`, ` ${token}`]
    for (const other of others) expect(sessionOfJoinToken(other)).toBeNull()
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
