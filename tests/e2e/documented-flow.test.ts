import secp256k1 from 'secp256k1'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Device } from '../../src/cli/device.ts'
import { rest } from './fixtures/rest.ts'
import {
  makeKey,
  recovery,
  server,
  sign,
  user,
  useSystem,
  type OpenedSession,
  type Participant,
} from './fixtures/system.ts'

const messageHash = '8dcd9f3511659638d5c33938ddb7fee9bb63533b94a97c7467d3fd36abbdca81'
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const point = /^04[0-9a-f]{128}$/

const system = useSystem()
const devices = new Map<string, Device>()
let keygen: OpenedSession
let publicKey: string

const url = (service: 'session-coordinator' | 'account-service') => system().stack.services[service].httpUrl
const mpcSession = (sessionId: string) => rest('GET', `${url('account-service')}/api/v1/mpc/sessions/${sessionId}`)

function deviceOf(partyId: string): Device {
  const device = devices.get(partyId)
  if (device === undefined) throw new Error(`no device ${partyId}`)
  return device
}

beforeAll(async () => {
  devices.set(user.party_id, await system().device(user.device_id, user.device_type))
  devices.set(recovery.party_id, await system().device(recovery.device_id, recovery.device_type))
  keygen = await system().openKeygen()
  const outcomes = await Promise.all(
    [user, recovery].map(({ party_id }) => makeKey(deviceOf(party_id), party_id, keygen)),
  )
  expect(outcomes.map(({ kind }) => kind)).toEqual(['key-made', 'key-made'])
  publicKey = String((await mpcSession(keygen.session_id)).body['public_key'])
}, 120_000)

describe('key generation through the account service', () => {
  test('the session shows the documented fields once completed', async () => {
    expect(await mpcSession(keygen.session_id)).toMatchObject({
      status: 200,
      body: {
        session_id: keygen.session_id,
        status: 'completed',
        completed_parties: 3,
        total_parties: 3,
        public_key: expect.stringMatching(point),
      },
    })
  })

  test('the coordinator shows every participant as completed, with indexes from 0', async () => {
    const { body } = await rest('GET', `${url('session-coordinator')}/api/v1/sessions/${keygen.session_id}`)
    expect(body).toMatchObject({
      session_id: keygen.session_id,
      status: 'completed',
      threshold_t: 2,
      threshold_n: 3,
      participants: [
        { party_id: 'user_device', party_index: 0, status: 'completed' },
        { party_id: 'server_party', party_index: 1, status: 'completed' },
        { party_id: 'recovery_party', party_index: 2, status: 'completed' },
      ],
    })
  })

  test('the server party lists its share of the key', async () => {
    const { body } = await rest('GET', `${system().stack.services['server-party-1'].httpUrl}/api/v1/party/keys`)
    expect(body['keys']).toEqual([
      expect.objectContaining({
        key_id: keygen.session_id,
        party_id: 'server_party',
        party_index: 1,
        public_key: publicKey,
      }),
    ])
  })
})

describe('signing with every pair', () => {
  const pairs: readonly Readonly<{ who: string; pair: readonly Participant[] }>[] = [
    { who: 'phone and server', pair: [user, server] },
    { who: 'phone and recovery device', pair: [user, recovery] },
    { who: 'server and recovery device', pair: [server, recovery] },
  ]

  test.each(pairs)(
    '$who sign, and libsecp256k1 agrees',
    async ({ pair }) => {
      const account = await system().createAccount(publicKey)
      const session = await system().openSigning(account, messageHash, pair)
      expect(session).toMatchObject({
        session_id: expect.stringMatching(uuid),
        session_type: 'sign',
        account_id: account,
        message_hash: messageHash,
        threshold_t: 2,
        status: 'waiting',
      })
      const locals = pair.filter(({ party_id }) => devices.has(party_id))
      const outcomes = await Promise.all(
        locals.map(({ party_id }) => sign(deviceOf(party_id), party_id, session, messageHash)),
      )
      expect(outcomes.every(({ kind }) => kind === 'signed')).toBe(true)
      const { body } = await mpcSession(session.session_id)
      expect(body).toMatchObject({ status: 'completed', completed_parties: 2, total_parties: 2 })
      const signature = Buffer.from(String(body['signature']), 'hex')
      const hash = Buffer.from(messageHash, 'hex')
      const key = Buffer.from(publicKey, 'hex')
      expect(secp256k1.ecdsaVerify(signature, hash, key)).toBe(true)
      expect(Buffer.from(secp256k1.ecdsaRecover(signature, Number(body['recovery_id']), hash, false))).toEqual(key)
    },
    60_000,
  )

  test('a device that is asked to sign another hash than its owner approved declines, and nothing is signed', async () => {
    const account = await system().createAccount(publicKey)
    const session = await system().openSigning(account, messageHash, [user, server])
    const outcome = await sign(deviceOf(user.party_id), user.party_id, session, 'ff'.repeat(32))
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'message_hash_mismatch' })
    const { body } = await mpcSession(session.session_id)
    expect(body).toMatchObject({ status: 'failed' })
    expect(body).not.toHaveProperty('signature')
  }, 60_000)

  test('one signer of a 2-of-3 key is refused with threshold_not_met', async () => {
    const account = await system().createAccount(publicKey)
    const body = { account_id: account, message_hash: messageHash, participants: [user] }
    expect(await rest('POST', `${url('account-service')}/api/v1/mpc/sign`, body)).toMatchObject({
      status: 400,
      body: { error: 'threshold_not_met' },
    })
  })

  test('an account whose key was not made here cannot sign', async () => {
    const foreign = Buffer.from(secp256k1.publicKeyCreate(Buffer.alloc(32, 7), false)).toString('hex')
    const account = await system().createAccount(foreign)
    const body = { account_id: account, message_hash: messageHash, participants: [user, server] }
    expect(await rest('POST', `${url('account-service')}/api/v1/mpc/sign`, body)).toMatchObject({
      status: 400,
      body: { error: 'invalid_request', details: { account_id: expect.any(String) } },
    })
  })
})
