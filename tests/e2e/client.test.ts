import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { ed25519 } from '@noble/curves/ed25519.js'
import secp256k1 from 'secp256k1'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connectMpc, type Device, type Mpc } from '../../src/client/node.ts'
import { recovery, server, user, useSystem } from './fixtures/system.ts'

const system = useSystem()

const participant = ({ party_id, device_type, device_id }: typeof user | typeof server | typeof recovery) => ({
  partyId: party_id,
  deviceType: device_type,
  deviceId: device_id,
})

function mpcOver(protocol: 'connect' | 'grpc-web'): Mpc {
  const { services } = system().stack
  return connectMpc({
    coordinatorUrl: services['session-coordinator'].httpUrl,
    routerUrl: services['message-router'].httpUrl,
    accountUrl: services['account-service'].httpUrl,
    protocol,
  })
}

async function openDevice(mpc: Mpc, deviceId: string, folder: string): Promise<Device> {
  const secrets = { identitySeed: randomBytes(32), kek: randomBytes(32) }
  const place = join(system().stack.folder, 'client', folder)
  const device = await mpc.openDevice({ deviceId, deviceType: 'test', folder: place, ...secrets })
  onTestFinished(() => device.close())
  return device
}

const everyone = [participant(user), participant(server), participant(recovery)]

describe.each(['connect', 'grpc-web'] as const)('over %s', (protocol) => {
  test('two devices and a server make a key, and one device signs with the server', async () => {
    const mpc = mpcOver(protocol)
    const phone = await openDevice(mpc, 'iphone_001', `phone-${protocol}`)
    const backup = await openDevice(mpc, 'recovery_001', `backup-${protocol}`)
    const session = await mpc.accounts.createKeygenSession({ thresholdT: 2, thresholdN: 3, participants: everyone })
    const rounds: string[] = []
    const identities = { user_device: phone.identityKey, recovery_party: backup.identityKey }
    const [key] = await Promise.all([
      phone.keygen({
        joinToken: String(session.joinTokens['user_device']),
        partyId: 'user_device',
        identities,
        onProgress: (event) => event.type === 'round' && rounds.push(`${event.round} ${event.phase}`),
      }),
      backup.keygen({ joinToken: String(session.joinTokens['recovery_party']), partyId: 'recovery_party', identities }),
    ])
    expect(rounds).toEqual([1, 2, 3, 4].flatMap((round) => [`${round} sent`, `${round} received`]))
    expect(key.ethereumAddress).toMatch(/^0x[0-9a-fA-F]{40}$/)
    expect(await phone.keys()).toMatchObject([{ keyId: key.keyId, publicKey: key.publicKey, partyId: 'user_device' }])
    expect(await phone.keys({ after: key.keyId })).toEqual([])

    const account = await mpc.accounts.create({ username: `alice-${protocol}`, publicKey: key.publicKey })
    const messageHash = randomBytes(32)
    const signing = await mpc.accounts.createSigningSession({
      accountId: account.id,
      messageHash,
      participants: [participant(user), participant(server)],
    })
    const asked: string[] = []
    const signature = await phone.sign({
      joinToken: String(signing.joinTokens['user_device']),
      partyId: 'user_device',
      messageHash,
      keyId: key.keyId,
      approve: (terms) => asked.push(terms.kind) > 0,
    })
    expect(asked).toEqual(['sign'])
    const compact = Buffer.from(signature.signature, 'hex')
    expect(secp256k1.ecdsaVerify(compact, messageHash, key.compressedPublicKey)).toBe(true)
    expect(secp256k1.signatureImport(signature.der)).toEqual(Uint8Array.from(compact))
    expect(await mpc.accounts.session(signing.sessionId)).toMatchObject({
      status: 'completed',
      signature: signature.signature,
      recoveryId: signature.recoveryId,
    })
  })
})

test('a key of another type is made and signs where the device expects one, and only there', async () => {
  const mpc = mpcOver('connect')
  const phone = await openDevice(mpc, 'iphone_001', 'phone-ed25519')
  const participants = [participant(user), participant(server)]
  const request = { thresholdT: 2, thresholdN: 2, participants, keyType: 'eddsa-ed25519' } as const
  const partyId = 'user_device'

  const unexpected = await mpc.accounts.createKeygenSession(request)
  const declined = phone.keygen({ joinToken: String(unexpected.joinTokens[partyId]), partyId })
  await expect(declined).rejects.toMatchObject({
    name: 'SessionFailedError',
    code: 'session_failed',
    reason: 'terms_unexpected',
    sessionId: unexpected.sessionId,
  })

  const session = await mpc.accounts.createKeygenSession(request)
  const joinToken = String(session.joinTokens[partyId])
  const key = await phone.keygen({ joinToken, partyId, keyType: 'eddsa-ed25519' })
  const account = await mpc.accounts.create({ username: 'solana', publicKey: key.publicKey })
  const message = new TextEncoder().encode('a whole message, not its hash')
  const signing = await mpc.accounts.createSigningSession({ accountId: account.id, message, participants })
  const part = { joinToken: String(signing.joinTokens[partyId]), partyId, keyType: 'eddsa-ed25519' } as const
  const { signature } = await phone.sign({ ...part, message })
  expect(ed25519.verify(Buffer.from(signature, 'hex'), message, Buffer.from(key.publicKey, 'hex'))).toBe(true)
})

test('a device that was told to stop fails its session and rejects with the reason of the signal', async () => {
  const mpc = mpcOver('connect')
  const phone = await openDevice(mpc, 'iphone_001', 'phone-stopped')
  const session = await mpc.accounts.createKeygenSession({ thresholdT: 2, thresholdN: 3, participants: everyone })
  const stop = new AbortController()
  const reason = new Error('the person went away')
  const making = phone.keygen({
    joinToken: String(session.joinTokens['user_device']),
    partyId: 'user_device',
    onProgress: ({ type }) => type === 'joined' && stop.abort(reason),
    signal: stop.signal,
  })
  await expect(making).rejects.toBe(reason)
  expect(await mpc.sessions.status(session.sessionId)).toMatchObject({
    status: 'failed',
    failure: { reason: 'party_stopped', reportedBy: 'user_device' },
  })
})

test('a device that is closed gives up what it is in, and has said so when it is closed', async () => {
  const mpc = mpcOver('connect')
  const phone = await openDevice(mpc, 'iphone_001', 'phone-closed')
  const session = await mpc.accounts.createKeygenSession({ thresholdT: 2, thresholdN: 3, participants: everyone })
  let closed: Promise<void> | undefined
  const making = phone.keygen({
    joinToken: String(session.joinTokens['user_device']),
    partyId: 'user_device',
    onProgress: ({ type }) => {
      if (type === 'joined') closed = phone.close()
    },
  })
  await expect(making).rejects.toMatchObject({ name: 'AbortError' })
  await closed
  expect(await mpc.sessions.status(session.sessionId)).toMatchObject({ status: 'failed' })
})

test('a device whose owner declines fails its session; what went wrong with asking reaches the caller', async () => {
  const mpc = mpcOver('connect')
  const phone = await openDevice(mpc, 'iphone_001', 'phone-declines')
  const attempt = async (approve: () => boolean) => {
    const session = await mpc.accounts.createKeygenSession({ thresholdT: 2, thresholdN: 3, participants: everyone })
    const joinToken = String(session.joinTokens['user_device'])
    return phone.keygen({ joinToken, partyId: 'user_device', approve })
  }
  await expect(attempt(() => false)).rejects.toMatchObject({ reason: 'declined', culprits: [] })
  const failure = new Error('nobody could be asked')
  const failing = attempt(() => {
    throw failure
  })
  await expect(failing).rejects.toBe(failure)
})

test('messages go on after the last position when the router was killed and came back', async () => {
  const mpc = mpcOver('connect')
  const participants = [{ partyId: 'alice' }, { partyId: 'bob' }]
  const opened = await mpc.sessions.create({ sessionType: 'keygen', thresholdT: 2, thresholdN: 2, participants })
  const alice = await mpc.join({ joinToken: String(opened.joinTokens['alice']), partyId: 'alice' })
  const bob = await mpc.join({ joinToken: String(opened.joinTokens['bob']), partyId: 'bob' })
  await Promise.all([alice.ready(), bob.ready()])
  expect(await alice.start()).toBe('in_progress')

  const rounds: number[] = []
  const reading = (async () => {
    for await (const { round } of bob.messages()) {
      rounds.push(round)
      if (round === 2) await system().stack.kill('message-router')
      if (round === 2) await system().stack.restart('message-router')
    }
  })()
  for (const round of [1, 2]) await alice.route({ round, payload: Uint8Array.of(round) })
  for (const round of [3, 4]) await alice.route({ round, to: ['bob'], payload: Uint8Array.of(round) })
  const page = await bob.pending({ limit: 3 })
  const stored = [{ round: 1, to: [] }, { round: 2 }, { round: 3, to: ['bob'] }]
  expect(page).toMatchObject({ hasMore: true, messages: stored })
  expect(await mpc.sessions.close(opened.sessionId)).toBe('failed')
  await reading
  expect(rounds).toEqual([1, 2, 3, 4])
})

test('a call that creates is made once for one key, and refused for another request', async () => {
  const mpc = mpcOver('connect')
  const request = { sessionType: 'keygen', thresholdT: 2, thresholdN: 2 } as const
  const participants = [{ partyId: 'alice' }, { partyId: 'bob' }]
  const idempotencyKey = 'order-17'
  const first = await mpc.sessions.create({ ...request, participants }, { idempotencyKey })
  expect(await mpc.sessions.create({ ...request, participants }, { idempotencyKey })).toEqual(first)
  expect((await mpc.sessions.create({ ...request, participants })).sessionId).not.toBe(first.sessionId)
  const others = [{ partyId: 'alice' }, { partyId: 'carol' }]
  const another = mpc.sessions.create({ ...request, participants: others }, { idempotencyKey })
  await expect(another).rejects.toMatchObject({ name: 'MpcError', code: 'conflict', requestId: expect.any(String) })
})
