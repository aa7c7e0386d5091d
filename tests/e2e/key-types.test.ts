/** Ed25519 and BIP-340 keys through the whole system: a phone, a server party, and a recovery device. */
import { expect, test } from 'vitest'
import type { FrostKeyType } from '../../src/crypto/key-type.ts'
import { approveKeygen, approveSigning } from '../../src/party/approval.ts'
import { kindOfKey } from '../../src/cli/demo/key-kinds.ts'
import { silentNarrator } from '../../src/cli/demo/narrator.ts'
import { runScenario } from '../../src/cli/demo/scenario.ts'
import { libsecp256k1VerifiesBip340, opensslVerifiesEd25519 } from '../../src/cli/demo/schnorr-check.ts'
import { rest } from './fixtures/rest.ts'
import { recovery, server, tokenOf, user, useSystem, type OpenedSession } from './fixtures/system.ts'

const system = useSystem()

const message = Buffer.from('Transfer nothing to nobody.')
const hash = Buffer.from('8dcd9f3511659638d5c33938ddb7fee9bb63533b94a97c7467d3fd36abbdca81', 'hex')

const kinds = {
  'eddsa-ed25519': {
    signed: message,
    request: { message: message.toString('base64') },
    expected: { message },
    wrongRequest: { message_hash: hash.toString('hex') },
    wrongField: 'message_hash',
    missingField: 'message',
    verifies: opensslVerifiesEd25519,
  },
  'schnorr-secp256k1': {
    signed: hash,
    request: { message_hash: hash.toString('hex') },
    expected: { messageHash: hash },
    wrongRequest: { message: message.toString('base64') },
    wrongField: 'message',
    missingField: 'message_hash',
    verifies: libsecp256k1VerifiesBip340,
  },
} as const satisfies Record<FrostKeyType, unknown>

test.each(Object.entries(kinds))('a 2-of-3 key of type %s is made and signs with a server', async (keyType, kind) => {
  const { stack, device } = system()
  const accounts = stack.services['account-service'].httpUrl
  const coordinator = stack.services['session-coordinator'].httpUrl
  const [phone, spare] = await Promise.all([device(`phone-${keyType}`, 'iOS'), device(`spare-${keyType}`, 'recovery')])
  const participants = [user, server, recovery]

  const opened = await rest('POST', `${accounts}/api/v1/mpc/keygen`, {
    threshold_n: 3,
    threshold_t: 2,
    participants,
    key_type: keyType,
  })
  expect(opened).toMatchObject({ status: 201, body: { key_type: keyType } })
  const keygen = opened.body as unknown as OpenedSession // as the document has it
  const approve = approveKeygen({ thresholdT: 2, thresholdN: 3, keyType: keyType as FrostKeyType })
  const made = await Promise.all([
    phone.party.run({ joinToken: tokenOf(keygen, 'user_device'), partyId: 'user_device', approve }),
    spare.party.run({ joinToken: tokenOf(keygen, 'recovery_party'), partyId: 'recovery_party', approve }),
  ])
  expect(made).toMatchObject([{ kind: 'key-made', keyType }, { kind: 'key-made', keyType }])
  const shown = await rest('GET', `${accounts}/api/v1/mpc/sessions/${keygen.session_id}`)
  const form = expect.stringMatching(/^[0-9a-f]{64}$/)
  expect(shown.body).toMatchObject({ status: 'completed', key_type: keyType, public_key: form })
  const publicKey = shown.body['public_key'] as string

  const username = `owner-${keyType}`
  const account = await rest('POST', `${accounts}/api/v1/accounts`, { username, publicKey })
  expect(account.status).toBe(201)
  expect((await rest('GET', `${accounts}/api/v1/accounts/${account.body['id']}`)).body).toMatchObject({ publicKey })

  const signing = { account_id: account.body['id'], participants: [user, server] }
  const sessions = `${accounts}/api/v1/mpc/sign`
  for (const [request, field] of [
    [kind.wrongRequest, kind.wrongField],
    [{}, kind.missingField],
    [{ ...kind.request, ...kind.wrongRequest }, kind.wrongField],
  ] as const) {
    const refused = await rest('POST', sessions, { ...signing, ...request })
    const details = { [field]: expect.any(String) }
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_request', details } })
  }
  const session = (await rest('POST', sessions, { ...signing, ...kind.request })).body as unknown as OpenedSession
  const outcome = await phone.party.run({
    joinToken: tokenOf(session, 'user_device'),
    partyId: 'user_device',
    approve: approveSigning({ ...kind.expected, keyId: keygen.session_id }),
  })
  expect(outcome).toMatchObject({ kind: 'schnorr-signed', keyType, keyId: keygen.session_id })

  const status = (await rest('GET', `${coordinator}/api/v1/sessions/${session.session_id}`)).body
  expect(status).toMatchObject({ status: 'completed', key_type: keyType, public_key: publicKey, ...kind.request })
  expect(status).not.toHaveProperty('recovery_id')
  const signature = Buffer.from(status['signature'] as string, 'hex')
  expect(kind.verifies(signature, kind.signed, Buffer.from(publicKey, 'hex'))).toBe(true)

  const party = stack.services['server-party-1'].httpUrl
  const keys = (await rest('GET', `${party}/api/v1/party/keys`)).body['keys']
  const listed = { key_id: keygen.session_id, key_type: keyType, public_key: publicKey }
  expect(keys).toContainEqual(expect.objectContaining(listed))
})

test('the demo makes an Ed25519 key and three signatures that OpenSSL accepts', async () => {
  const { stack, host } = system()
  const result = await runScenario(stack, host, silentNarrator, kindOfKey('eddsa-ed25519'))
  expect(result).toMatchObject({ key_type: 'eddsa-ed25519', public_key: expect.stringMatching(/^[0-9a-f]{64}$/) })
  expect(result).not.toHaveProperty('address')
  if (!('message' in result)) throw new Error('Ed25519 signs messages')
  const signed = Buffer.from(result.message, 'base64')
  expect(result.signatures).toHaveLength(3)
  for (const { signature } of result.signatures) {
    const [bytes, publicKey] = [Buffer.from(signature, 'hex'), Buffer.from(result.public_key, 'hex')]
    expect(opensslVerifiesEd25519(bytes, signed, publicKey)).toBe(true)
  }
})
