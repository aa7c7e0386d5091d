import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect'
import { describe, expect, test } from 'vitest'
import { connectMpc, MpcError } from '../../../src/client/node.ts'
import { connectErrorOf } from '../../../src/edge/refusal-error.ts'
import { invalidField, Refusal } from '../../../src/edge/refusal.ts'
import { AccountService, MpcService } from '../../../src/gen/mpc/account/v1/account_service_pb.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { servicesWith } from './services.ts'

const publicKey = '02' + 'ab'.repeat(32)
const created = { sessionId: 's', status: 'created', joinTokens: { a: 'token', b: 'token' }, expiresAt: 1_700_000_000n }
const participants = [{ partyId: 'a' }, { partyId: 'b' }] as const
const keygen = { sessionType: 'keygen', thresholdT: 2, thresholdN: 2, participants } as const

const coordinatorWith = (coordinator: Partial<ServiceImpl<typeof SessionCoordinator>>) =>
  servicesWith((router) => router.service(SessionCoordinator, coordinator))

/** `fail` is asked before each call, with its number from 1. */
const accountsFailing = (fail: (call: number) => void, options = {}) => {
  let calls = 0
  const answer = <T>(value: T) => {
    fail(++calls)
    return value
  }
  return servicesWith(
    (router) =>
      router.service(AccountService, {
        createAccount: () => answer({ id: '1', username: 'alice', status: 'active' }),
        getAccount: () => answer({ id: '1', username: 'alice', status: 'active', publicKey }),
        deleteAccount: () => answer({ success: true }),
      }),
    options,
  )
}

const lostOnce = (call: number) => {
  if (call === 1) throw new ConnectError('away', Code.Unavailable)
}

describe('a participant', () => {
  test('is invited with its identity key as bytes or as hex, and with none that is neither', async () => {
    const invited: string[][] = []
    const noted = (request: { participants: readonly Readonly<{ identityKey: string }>[] }) => {
      invited.push(request.participants.map(({ identityKey }) => identityKey))
      return created
    }
    const { mpc } = servicesWith((router) => {
      router.service(SessionCoordinator, { createSession: noted })
      router.service(MpcService, { createKeygenSession: noted, createSigningSession: noted })
    })
    const pinned = [{ partyId: 'a', identityKey: new Uint8Array(32).fill(0xab) }, { partyId: 'b' }]
    const hex = 'AB'.repeat(32)
    await mpc.sessions.create({ ...keygen, participants: pinned })
    await mpc.accounts.createKeygenSession({ ...keygen, participants: [{ partyId: 'a', identityKey: hex }] })
    await mpc.accounts.createSigningSession({ accountId: '1', messageHash: hex, participants: pinned })
    expect(invited).toEqual([['ab'.repeat(32), ''], [hex], ['ab'.repeat(32), '']])
    const short = mpc.sessions.create({ ...keygen, participants: [{ partyId: 'a', identityKey: 'ab' }] })
    await expect(short).rejects.toMatchObject({ details: { 'participants[0].identityKey': expect.any(String) } })
  })
})

describe('a refusal', () => {
  test('is an MpcError with code, details, request id and the wait that was asked for', async () => {
    const { mpc } = coordinatorWith({
      getSessionStatus: (_, context) => {
        context.responseHeader.set('x-request-id', 'request-7')
        throw connectErrorOf(new Refusal('rate_limited', 'too many calls', { caller: 'is too fast' }, 60))
      },
    })
    const refused: unknown = await mpc.sessions.status('s').catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(MpcError)
    expect(refused).toMatchObject({
      code: 'rate_limited',
      message: 'too many calls',
      details: { caller: 'is too fast' },
      requestId: 'request-7',
      retryAfterMs: 60_000,
    })
  })

  test('is not repeated', async () => {
    const { mpc, asked } = coordinatorWith({
      createSession: () => {
        throw connectErrorOf(invalidField('threshold_t', 'must not be more than threshold_n'))
      },
    })
    await expect(mpc.sessions.create(keygen)).rejects.toMatchObject({
      code: 'invalid_request',
      details: { threshold_t: 'must not be more than threshold_n' },
    })
    expect(asked).toHaveLength(1)
  })
})

describe('while a service is away', () => {
  test('a creating call is made again under the same key', async () => {
    const { mpc, asked } = accountsFailing(lostOnce)
    expect(await mpc.accounts.create({ username: 'alice', publicKey })).toMatchObject({ id: '1', createdAtMs: 0 })
    const [first, second] = asked.map(({ headers }) => headers.get('idempotency-key'))
    expect(first).toMatch(/^[0-9a-f-]{36}$/)
    expect(second).toBe(first)
    await mpc.accounts.create({ username: 'bob', publicKey })
    expect(asked[2]?.headers.get('idempotency-key')).not.toBe(first)
  })

  test("the caller's own key is used", async () => {
    const { mpc, asked } = accountsFailing(() => {})
    await mpc.accounts.create({ username: 'alice', publicKey }, { idempotencyKey: 'order-17' })
    expect(asked[0]?.headers.get('idempotency-key')).toBe('order-17')
  })

  test('a reading call is made again, also when the connection broke or a proxy answers', async () => {
    const answers = [
      () => {
        throw new TypeError('fetch failed')
      },
      () => new Response('<h1>Bad Gateway</h1>', { status: 502, headers: { 'content-type': 'text/html' } }),
    ]
    const { mpc, asked } = servicesWith(
      (router) => router.service(AccountService, { getAccount: () => ({ id: '1', publicKey }) }),
      {},
      (call) => answers[call - 1]?.(),
    )
    expect(await mpc.accounts.get('1')).toMatchObject({ id: '1', publicKey })
    expect(asked).toHaveLength(3)
  })

  test('a deletion is not made again: the second would be refused', async () => {
    const { mpc, asked } = accountsFailing(lostOnce)
    await expect(mpc.accounts.delete('1')).rejects.toMatchObject({ code: 'unavailable' })
    expect(asked).toHaveLength(1)
  })

  test('a call ends as unavailable when its time is over', async () => {
    const away = () => {
      throw connectErrorOf(new Refusal('unavailable', 'away', {}, 7))
    }
    // Waiting as long as the service asks for would take longer than that.
    const { mpc, asked } = accountsFailing(away, { retryForMs: 6_000 })
    await expect(mpc.accounts.get('1')).rejects.toMatchObject({ code: 'unavailable', retryAfterMs: 7_000 })
    expect(asked).toHaveLength(1)
  })

  test('a connection that cannot be made is unavailable', async () => {
    const unreachable = new TypeError('fetch failed')
    const fetch = () => Promise.reject(unreachable)
    const { mpc } = servicesWith(() => {}, { fetch, retryForMs: 0 })
    await expect(mpc.accounts.get('1')).rejects.toMatchObject({
      name: 'MpcError',
      code: 'unavailable',
      requestId: undefined,
      cause: { cause: unreachable },
    })
  })

  test('no call is made again where that is switched off', async () => {
    const { mpc, asked } = accountsFailing(lostOnce, { retryForMs: 0 })
    await expect(mpc.accounts.get('1')).rejects.toMatchObject({ code: 'unavailable' })
    expect(asked).toHaveLength(1)
  })

  test('a service that does not answer in time counts as away', async () => {
    const { mpc } = servicesWith(
      (router) =>
        router.service(AccountService, {
          getAccount: (_, { signal }) =>
            new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
        }),
      { timeoutMs: 20, retryForMs: 0 },
    )
    await expect(mpc.accounts.get('1')).rejects.toMatchObject({ code: 'unavailable' })
  })
})

describe('an aborted call', () => {
  test('rejects with the reason of its signal, before it is sent or while it waits', async () => {
    const { mpc, asked } = accountsFailing(() => {})
    const reason = new Error('the person went away')
    const before = mpc.accounts.get('1', { signal: AbortSignal.abort(reason) })
    await expect(before).rejects.toBe(reason)

    const stop = new AbortController()
    const away = servicesWith(
      (router) =>
        router.service(AccountService, {
          getAccount: () => {
            stop.abort(reason)
            return new Promise(() => {})
          },
        }),
      {},
    )
    await expect(away.mpc.accounts.get('1', { signal: stop.signal })).rejects.toBe(reason)
    expect(away.asked).toHaveLength(1)
    expect(asked.length).toBeLessThanOrEqual(1)
  })

  test('waits no longer for a service that is away', async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    const { mpc } = accountsFailing((call) => {
      if (call === 2) stop.abort(reason)
      throw new ConnectError('away', Code.Unavailable)
    })
    await expect(mpc.accounts.get('1', { signal: stop.signal })).rejects.toBe(reason)
  })
})

describe('a wrong argument is named before anything is sent', () => {
  const { mpc, asked } = coordinatorWith({ createSession: () => created })
  test.each([
    ['a hash of another length', { ...keygen, sessionType: 'sign', messageHash: 'ab' }, 'messageHash: '],
    ['a number that is none', { ...keygen, thresholdT: 1.5 }, 'threshold_t'],
  ] as const)('%s', async (_, request, named) => {
    const refused: unknown = await mpc.sessions.create(request).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(MpcError)
    expect(refused).toMatchObject({ code: 'invalid_request', message: expect.stringContaining(named) })
    expect(asked).toEqual([])
  })

  test('a URL', () => {
    const url = (coordinatorUrl: string) => () => connectMpc({ coordinatorUrl, routerUrl: 'http://r' })
    expect(url('localhost:8080')).toThrow(expect.objectContaining({ details: { coordinatorUrl: expect.any(String) } }))
    expect(url('https://x/prefix')).not.toThrow()
    const withoutAccounts = url('http://c')()
    expect(() => withoutAccounts.accounts).toThrow(/accountUrl/)
  })

  test('a device of another environment', async () => {
    const named = { deviceId: 'd', deviceType: 't' }
    await expect(mpc.openDevice({ ...named, name: 'wallet' })).rejects.toMatchObject({ code: 'invalid_request' })
    const short = { ...named, folder: '/nowhere', identitySeed: new Uint8Array(31), kek: new Uint8Array(32) }
    await expect(mpc.openDevice(short)).rejects.toMatchObject({ details: { identitySeed: 'must be 32 bytes' } })
  })
})

test('a session comes with a token for each participant and its times in milliseconds', async () => {
  const { mpc } = coordinatorWith({ createSession: () => created })
  const session = await mpc.sessions.create(keygen)
  expect(session).toEqual({
    sessionId: 's',
    status: 'created',
    joinTokens: { a: 'token', b: 'token' },
    expiresAtMs: 1_700_000_000_000,
  })
})

test('an answer that makes no sense is an internal_error, and not repeated', async () => {
  const { mpc, asked } = coordinatorWith({ closeSession: () => ({ success: true, status: 'melted' }) })
  await expect(mpc.sessions.close('s')).rejects.toMatchObject({ name: 'MpcError', code: 'internal_error' })
  expect(asked).toHaveLength(1)
})

test('calls carry the API key', async () => {
  const { mpc, asked } = servicesWith(
    (router) => router.service(SessionCoordinator, { createSession: () => created }),
    { apiKey: 'mpc_key_x' },
  )
  await mpc.sessions.create(keygen)
  expect(asked[0]?.headers.get('authorization')).toBe('Bearer mpc_key_x')
})
