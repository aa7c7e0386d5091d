/** What each command does to a session in each state. */
import { bytesToHex } from '@noble/hashes/utils.js'
import { describe, expect, test } from 'vitest'
import { evolve, initialState } from '../../../src/coordinator/session-state.ts'
import {
  bothJoined,
  close,
  fail,
  given,
  invited,
  join,
  keygen,
  keyPair,
  keysOf,
  kinds,
  later,
  madeKey,
  messageHash,
  otherPublicKey,
  ready,
  signed,
  signing,
  start,
  started,
  startMs,
  tokenHash,
  when,
} from './scenario.ts'

describe('create', () => {
  test('expires after five minutes unless told otherwise', () => {
    expect(given(keygen()).expiresAtMs).toBe(startMs + 300_000)
    expect(given(keygen({ expiresInSeconds: 86_400 })).expiresAtMs).toBe(startMs + 86_400_000)
  })

  test.each([
    ['threshold_n', { thresholdN: 1 }],
    ['threshold_n', { thresholdN: 21 }],
    ['threshold_t', { thresholdT: 1 }],
    ['threshold_t', { thresholdT: 3 }],
    ['participants', { thresholdN: 3 }],
    ['participants[1].party_id', { participants: [invited('alice'), invited('all')] }],
    ['participants[1].party_id', { participants: [invited('alice'), invited('alice')] }],
  ])('refuses a wrong %s', (field, change) => {
    const { refusal, events } = when(initialState, keygen(change))
    expect(refusal).toMatchObject({ code: 'invalid_request', details: { [field]: expect.any(String) } })
    expect(events).toEqual([])
  })

  test('repeated under its Idempotency-Key changes nothing, whatever the session has become', () => {
    const requestHash = new Uint8Array(32).fill(5)
    const once = given(keygen({ requestHash }))
    for (const more of [[], [join('alice')], [close], [later]]) {
      const state = given(keygen({ requestHash }), ...more)
      expect(when(state, keygen({ requestHash }))).toEqual({ state, events: [], refusal: null })
    }
    for (const different of [new Uint8Array(32).fill(6), new Uint8Array(0)]) {
      expect(when(once, keygen({ requestHash: different }))).toMatchObject({
        events: [],
        refusal: { code: 'conflict', details: { 'Idempotency-Key': expect.any(String) } },
      })
    }
    expect(when(given(keygen()), keygen()).refusal).toMatchObject({ code: 'conflict' })
  })

  test('refuses one identity for two participants', () => {
    const { identityKey: expectedIdentityKey } = keysOf('alice')
    const participants = ['alice', 'bob'].map((partyId) => invited(partyId, { expectedIdentityKey }))
    expect(when(initialState, keygen({ participants })).refusal).toMatchObject({
      code: 'invalid_request',
      details: { 'participants[1].identity_key': 'is that of another participant' },
    })
  })

  test('refuses one server in two places', () => {
    const server = { deviceType: 'server', deviceId: 'server_001', sealedJoinToken: new Uint8Array(80) }
    const participants = [invited('alice', server), invited('bob', server)]
    expect(when(initialState, keygen({ participants })).refusal?.details).toHaveProperty(['participants[1].device_id'])
  })

  test('a sign session takes its thresholds from the key', () => {
    const { publicKey } = keyPair
    expect(given(signing())).toMatchObject({ thresholdT: 2, thresholdN: 3, keyId: 'key-1', publicKey })
  })

  test.each([
    ['threshold_t', 'invalid_request', { thresholdT: 3 }],
    ['threshold_n', 'invalid_request', { thresholdN: 2 }],
    ['message_hash', 'invalid_request', { messageHash: 'abc123' }],
    ['message_hash', 'invalid_request', { messageHash: '' }],
    ['participants[0].party_id', 'invalid_request', { participants: [invited('mallory'), invited('bob')] }],
    ['participants', 'threshold_not_met', { participants: [invited('bob')] }],
  ])('a sign session refuses a wrong %s (%s)', (field, code, change) => {
    const { refusal } = when(initialState, signing(change))
    expect(refusal).toMatchObject({ code, details: { [field]: expect.any(String) } })
  })

  test('a sign session without a key needs thresholds of its own', () => {
    const request = signing({ key: null })
    expect(when(initialState, request).refusal?.details).toHaveProperty('threshold_n')
    expect(when(initialState, { ...request, thresholdN: 3, thresholdT: 2 }).refusal).toBeNull()
  })
})

describe('join', () => {
  test('with the token of another party is unauthorized', () => {
    const { refusal } = when(given(keygen()), join('alice', { tokenHash: tokenHash('bob') }))
    expect(refusal?.code).toBe('unauthorized')
  })

  test('by a stranger with a valid token is session_full once all have joined', () => {
    const stranger = join('mallory', { tokenHash: tokenHash('bob') })
    expect(when(given(keygen(), join('alice')), stranger).refusal?.code).toBe('unauthorized')
    expect(when(given(keygen(), ...bothJoined), stranger).refusal?.code).toBe('session_full')
  })

  test('is idempotent with the same keys, also after the start', () => {
    for (const state of [given(keygen(), join('alice')), given(keygen(), ...started)]) {
      expect(when(state, join('alice'))).toMatchObject({ events: [], refusal: null })
    }
  })

  test('again with another identity is unauthorized, with another nonce a conflict', () => {
    const state = given(keygen(), join('alice'))
    expect(when(state, join('alice', { keys: keysOf('mallory') })).refusal?.code).toBe('unauthorized')
    expect(when(state, join('alice', { keys: null })).refusal?.code).toBe('unauthorized')
    const fresh = { ...keysOf('alice'), nonce: keysOf('mallory').nonce }
    expect(when(state, join('alice', { keys: fresh })).refusal?.code).toBe('conflict')
  })

  const parts = ['identityKey', 'ephemeralKey', 'nonce'] as const
  test.each(parts)('refuses a %s that another party has brought', (part) => {
    const copied = { ...keysOf('bob'), [part]: keysOf('alice')[part] }
    const { refusal } = when(given(keygen(), join('alice')), join('bob', { keys: copied }))
    expect(refusal?.code).toBe('conflict')
  })

  test('demands the identity that was fixed beforehand', () => {
    const fixed = invited('alice', { expectedIdentityKey: keysOf('alice').identityKey })
    const state = given(keygen({ participants: [fixed, invited('bob')] }))
    for (const keys of [keysOf('mallory'), null]) {
      const { refusal } = when(state, join('alice', { keys }))
      expect(refusal).toMatchObject({ code: 'unauthorized', details: { 'keys.identity_key': expect.any(String) } })
    }
    expect(when(state, join('alice')).refusal).toBeNull()
  })

  test('tells nobody without the token which identity is expected', () => {
    const fixed = invited('alice', { expectedIdentityKey: keysOf('alice').identityKey })
    const state = given(keygen({ participants: [fixed, invited('bob')] }))
    const guess = join('alice', { keys: keysOf('mallory'), tokenHash: tokenHash('mallory') })
    expect(when(state, guess).refusal).toMatchObject({
      code: 'unauthorized',
      details: { join_token: 'is not valid for this party' },
    })
  })

  test('is over with the session, whoever has the token: also a repeated one gets no credential any more', () => {
    const failed = given(keygen(), join('alice'), close)
    const completed = given(keygen(), ...started, madeKey('alice'), madeKey('bob'))
    for (const state of [failed, completed]) {
      expect(when(state, join('alice'))).toMatchObject({ events: [], refusal: { code: 'conflict' } })
      expect(when(state, join('alice', { keys: keysOf('mallory') })).refusal?.code).toBe('unauthorized')
    }
    expect(when(failed, join('bob'))).toMatchObject({ events: [], refusal: { code: 'conflict' } })
  })

  test('keeps the device that the creator named', () => {
    const named = invited('alice', { deviceType: 'server', deviceId: 'server_001' })
    const state = given(keygen({ participants: [named, invited('bob')] }), ...bothJoined)
    expect(state.participants.map(({ deviceId }) => deviceId)).toEqual(['server_001', 'device-of-bob'])
  })
})

describe('ready and start', () => {
  test('ready before joining is a conflict', () => {
    expect(when(given(keygen()), ready('alice')).refusal?.code).toBe('conflict')
  })

  test('a party that is not in the session is not found', () => {
    expect(when(given(keygen()), ready('mallory')).refusal?.code).toBe('not_found')
  })

  test('start names the parties that are not ready', () => {
    const { refusal } = when(given(keygen(), ...bothJoined, ready('alice')), start)
    expect(refusal).toMatchObject({ code: 'conflict', details: { 'participants[1]': 'joined' } })
    expect(refusal?.message).toContain('bob')
  })

  test('start fixes the roster and is idempotent', () => {
    const state = given(keygen(), ...started)
    expect(state).toMatchObject({ status: 'in_progress' })
    expect(state.rosterHash).toHaveLength(32)
    expect(when(state, start)).toMatchObject({ events: [], refusal: null })
  })

  test('the roster covers every nonce', () => {
    const bob = join('bob', { keys: { ...keysOf('bob'), nonce: keysOf('carol').nonce } })
    const other = given(keygen(), join('alice'), bob, ready('alice'), ready('bob'), start)
    expect(bytesToHex(other.rosterHash)).not.toBe(bytesToHex(given(keygen(), ...started).rosterHash))
  })

  test('there is no roster where a party brings no keys', () => {
    const bare = [join('alice'), join('bob', { keys: null }), ready('alice'), ready('bob'), start]
    expect(given(keygen(), ...bare).rosterHash).toHaveLength(0)
  })
})

describe('complete', () => {
  test('before the start is a conflict', () => {
    expect(when(given(keygen(), ...bothJoined), madeKey('alice')).refusal?.code).toBe('conflict')
  })

  test('completes with the last of the same reports', () => {
    const state = given(keygen(), ...started, madeKey('alice'))
    expect(kinds(when(state, madeKey('alice')))).toEqual([])
    const last = when(state, madeKey('bob'))
    expect(kinds(last)).toEqual(['partyCompleted', 'sessionCompleted'])
    expect(last.state).toMatchObject({ status: 'completed', publicKey: keyPair.publicKey })
    expect(when(last.state, madeKey('bob'))).toMatchObject({ events: [], refusal: null })
  })

  test('a second, different report of one party is a conflict', () => {
    const state = given(keygen(), ...started, madeKey('alice'))
    expect(when(state, madeKey('alice', otherPublicKey)).refusal?.code).toBe('conflict')
  })

  test('different reports of two parties fail the session', () => {
    const outcome = when(given(keygen(), ...started, madeKey('alice')), madeKey('bob', otherPublicKey))
    expect(kinds(outcome)).toEqual(['partyCompleted', 'sessionFailed'])
    expect(outcome.state.failure).toMatchObject({ reason: 'results_disagree', reportedBy: 'bob' })
  })

  test('a signature counts only when the key verifies it', () => {
    const running = given(signing(), ...started)
    expect(given(signing(), ...started, signed('alice'), signed('bob')).status).toBe('completed')
    const forged = when(running, signed('alice', new Uint8Array(32).fill(5)))
    expect(kinds(forged)).toEqual(['sessionFailed'])
    expect(forged.state.failure).toMatchObject({ reason: 'signature_invalid', culprits: ['alice'] })
  })

  test('a wrong recovery id and a high s are refused, and the session goes on', () => {
    const running = given(signing(), ...started)
    const good = signed('alice')
    const wrongId = when(running, signed('alice', messageHash, { recoveryId: good.recoveryId ^ 1 }))
    expect(wrongId).toMatchObject({ events: [], refusal: { details: { recovery_id: expect.any(String) } } })
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const [r, s] = [good.signature!.slice(0, 32), BigInt(`0x${Buffer.from(good.signature!.slice(32)).toString('hex')}`)]
    const high = Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex')
    const highS = signed('alice', messageHash, { signature: Buffer.concat([r, high]), recoveryId: good.recoveryId ^ 1 })
    expect(when(running, highS)).toMatchObject({ events: [], refusal: { details: { signature: expect.any(String) } } })
  })

  test('without a key, a sign session completes on identical reports', () => {
    const bare = signing({ key: null, thresholdT: 2, thresholdN: 2 })
    const anything = { signature: new Uint8Array(64).fill(9), recoveryId: 0 }
    const reports = [signed('alice', messageHash, anything), signed('bob', messageHash, anything)]
    expect(given(bare, ...started, ...reports).status).toBe('completed')
  })

  test('a report without its result names the field', () => {
    const noKey = { ...madeKey('alice'), publicKey: null }
    expect(when(given(keygen(), ...started), noKey).refusal?.details).toHaveProperty('public_key')
    const noSignature = { ...signed('alice'), signature: null }
    expect(when(given(signing(), ...started), noSignature).refusal?.details).toHaveProperty('signature')
  })
})

describe('failing, closing, expiring', () => {
  test('a failure report fails the session and names reporter and culprits', () => {
    const outcome = when(given(keygen(), ...started), fail('alice', '', ['bob']))
    expect(outcome.state).toMatchObject({
      status: 'failed',
      failure: { reason: 'party_failed', reportedBy: 'alice', culprits: ['bob'] },
    })
    expect(when(outcome.state, fail('bob'))).toMatchObject({ events: [], refusal: null })
  })

  test('a culprit must be a participant', () => {
    const { refusal } = when(given(keygen(), ...started), fail('alice', '', ['bob', 'mallory']))
    expect(refusal?.details).toHaveProperty(['failure.culprits[1]'])
  })

  test('a failed session takes no new steps but answers repeated ones', () => {
    const failed = given(keygen(), join('alice'), fail('alice'))
    expect(when(failed, join('bob')).refusal).toMatchObject({ code: 'conflict', details: { reason: 'party_failed' } })
    expect(when(failed, start).refusal?.code).toBe('conflict')
    const readied = given(keygen(), ...bothJoined, ready('alice'), fail('bob'))
    expect(when(readied, ready('alice'))).toMatchObject({ events: [], refusal: null })
  })

  test('closing fails an open session and leaves one that is over as it is', () => {
    expect(given(keygen(), close)).toMatchObject({ status: 'failed', failure: { reason: 'closed' } })
    const done = given(keygen(), ...started, madeKey('alice'), madeKey('bob'))
    expect(when(done, close)).toMatchObject({ events: [], refusal: null })
  })

  test('any command past the expiry records it and is refused as expired', () => {
    const state = given(keygen(), join('alice'))
    for (const command of [join('bob'), ready('alice'), start, madeKey('alice')]) {
      const outcome = when(state, { ...command, nowMs: startMs + 300_000 })
      expect(kinds(outcome)).toEqual(['sessionExpired'])
      expect(outcome.refusal?.code).toBe('session_expired')
    }
    expect(when(state, { ...join('bob'), nowMs: startMs + 299_999 }).refusal).toBeNull()
  })

  test('a session that is over does not expire', () => {
    const done = given(keygen(), ...started, madeKey('alice'), madeKey('bob'))
    expect(when(done, later).events).toEqual([])
  })

  test('the outcome that a crash left out comes before expiry, with any command', () => {
    const lastReport = when(given(keygen(), ...started, madeKey('alice')), madeKey('bob')).events[0]!
    const crashed = evolve(given(keygen(), ...started, madeKey('alice')), lastReport)
    expect(crashed.status).toBe('in_progress')
    for (const command of [later, start, madeKey('bob')]) expect(when(crashed, command).state.status).toBe('completed')
  })

  test('commands on a session that does not exist are not found', () => {
    for (const command of [join('alice'), ready('alice'), start, madeKey('alice'), fail('alice'), close]) {
      expect(when(initialState, command)).toMatchObject({ events: [], refusal: { code: 'not_found' } })
    }
  })
})
