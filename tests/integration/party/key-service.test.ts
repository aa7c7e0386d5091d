/**
 * Key encryption by a transit engine, as a party configures it. MPC_TEST_TRANSIT_URL and MPC_TEST_TRANSIT_TOKEN, of a
 * Vault or OpenBao with a transit key "mpc-test", let the first test run against that one too.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { keyEncryptionFromEnv } from '../../../src/party/node/key-encryption-from-env.ts'
import { fileRecords } from '../../../src/party/node/file-records.ts'
import { guardFolderOf, openPartyFolders } from '../../../src/party/node/party-store.ts'
import type { KeyEncryption } from '../../../src/party/store/key-encryption.ts'
import { rewrapKeyFiles } from '../../../src/party/store/rewrap.ts'
import { createAuthority, openCertificateFolder } from '../../setup/certificates.ts'
import { startTransitServer, type TransitServer } from '../../setup/transit-server.ts'

const token = 'hvs.a-token-of-the-party'
const key = 'mpc-test'
const dataKey = Uint8Array.from({ length: 32 }, (_, i) => i * 7)
const context = new TextEncoder().encode('this store')
let folder: string
let server: TransitServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mpc-key-service-'))
  await writeFile(join(folder, 'token'), `${token}\n`, { mode: 0o600 })
  await writeFile(join(folder, 'kek'), 'ab'.repeat(32), { mode: 0o600 })
})
afterAll(() => rm(folder, { recursive: true, force: true }))
beforeEach(async () => {
  server = await startTransitServer([key, 'another'], token)
})
afterEach(() => server.close())

const environment = (changes: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => ({
  MPC_KMS_URL: server.url,
  MPC_KMS_KEY: key,
  MPC_KMS_TOKEN_FILE: join(folder, 'token'),
  ...changes,
})
const open = (changes: Readonly<Record<string, string>> = {}) => keyEncryptionFromEnv(environment(changes), 'MPC_')

async function givesBack(encryption: KeyEncryption): Promise<void> {
  const wrapped = await encryption.wrap(dataKey, context)
  expect(wrapped).toMatchObject({ wrappedBy: `transit:transit/${key}`, ciphertext: expect.stringMatching(/^vault:v\d+:/) })
  expect(await encryption.unwrap(wrapped, context)).toEqual(dataKey)
  expect(await encryption.unwrap(wrapped, context.subarray(1))).toBeNull()
  const last = wrapped.ciphertext.endsWith('A') ? 'B' : 'A'
  expect(await encryption.unwrap({ ...wrapped, ciphertext: wrapped.ciphertext.slice(0, -1) + last }, context)).toBeNull()
  expect(await encryption.unwrap({ ...wrapped, keyVersion: wrapped.keyVersion + 1 }, context)).toBeNull()
}

const { MPC_TEST_TRANSIT_URL: realUrl, MPC_TEST_TRANSIT_TOKEN: realToken = '' } = process.env
const engines = ['as documented', ...(realUrl === undefined ? [] : ['of a real server'])]

test.each(engines)('a data key comes back for the context it was wrapped for and no other: engine %s', async (which) => {
  if (which === 'as documented') return givesBack(open())
  const tokenFile = join(folder, 'real-token')
  await writeFile(tokenFile, realToken, { mode: 0o600 })
  await givesBack(open({ MPC_KMS_URL: realUrl ?? '', MPC_KMS_TOKEN_FILE: tokenFile }))
})

test('after a rotation the new version wraps, and what an older one has wrapped still opens', async () => {
  const encryption = open()
  const first = await encryption.wrap(dataKey, context)
  server.rotate(key)
  expect(await encryption.wrap(dataKey, context)).toMatchObject({ keyVersion: 2 })
  expect(await encryption.unwrap(first, context)).toEqual(dataKey)
  server.forget(key, 2)
  await expect(encryption.unwrap(first, context)).rejects.toThrow(/^MPC_KMS_KEY: .*disallowed by policy \(too old\)/)
})

describe('a key service that refuses is named with its variable:', () => {
  const unwrapping = async (changes: Readonly<Record<string, string>>) => {
    const encryption = open(changes)
    const wrapped = await open().wrap(dataKey, context)
    return encryption.unwrap({ ...wrapped, wrappedBy: encryption.keyId }, context)
  }

  test('a token that is not good, not there, or not a token', async () => {
    server.revoke(token)
    await expect(open().wrap(dataKey, context)).rejects.toThrow(
      'MPC_KMS_TOKEN_FILE: the token may not use transit/mpc-test (403): permission denied',
    )
    const path = join(folder, 'no-token')
    await expect(open({ MPC_KMS_TOKEN_FILE: path }).wrap(dataKey, context)).rejects.toThrow(
      `MPC_KMS_TOKEN_FILE: ${path} cannot be read`,
    )
    await writeFile(path, 'two\nlines', { mode: 0o600 })
    await expect(open({ MPC_KMS_TOKEN_FILE: path }).wrap(dataKey, context)).rejects.toThrow(
      `MPC_KMS_TOKEN_FILE: ${path} must hold one token`,
    )
  })

  test('a key or an engine that does not exist', async () => {
    await expect(unwrapping({ MPC_KMS_KEY: 'none' })).rejects.toThrow('MPC_KMS_KEY: transit/none is refused (400)')
    await expect(unwrapping({ MPC_KMS_MOUNT: 'other' })).rejects.toThrow('MPC_KMS_KEY: other/mpc-test is refused (404)')
  })

  test('another key than the one that wrapped', async () => {
    expect(await unwrapping({ MPC_KMS_KEY: 'another' })).toBeNull()
  })

  test('a redirection, which the token does not follow', async () => {
    server.misbehave(307)
    await expect(open().wrap(dataKey, context)).rejects.toThrow('MPC_KMS_URL: redirects (307)')
  })
})

describe('a key service that is away', () => {
  test('for a moment is asked again', async () => {
    server.misbehave(503, 429)
    expect(await open().wrap(dataKey, context)).toMatchObject({ keyVersion: 1 })
  })

  test('for longer is given up after three attempts', async () => {
    server.misbehave(503, 503, 503)
    await expect(open().wrap(dataKey, context)).rejects.toThrow(`MPC_KMS_URL: ${server.url}: answers 503`)
    expect(server.requests).toEqual([])
    expect(await open().wrap(dataKey, context)).toMatchObject({ keyVersion: 1 })
  })

  test('without an answer is not waited for', async () => {
    server.misbehave('silent', 'silent', 'silent')
    const impatient = open({ MPC_KMS_TIMEOUT_MS: '100' })
    await expect(impatient.wrap(dataKey, context)).rejects.toThrow(`MPC_KMS_URL: ${server.url}: does not answer in time`)
    await server.close()
    await expect(impatient.wrap(dataKey, context)).rejects.toThrow('ECONNREFUSED')
  })
})

describe('a key service over https, with an authority of its own', () => {
  const [own, foreign] = [createAuthority('own'), createAuthority('foreign')]
  const files = openCertificateFolder()
  afterAll(files.remove)

  async function secured(changes: Readonly<Record<string, string>>, served = own.issue(['127.0.0.1'])) {
    const https = await startTransitServer([key], token, served)
    onTestFinished(https.close)
    return { https, encryption: () => open({ MPC_KMS_URL: https.url, ...changes }) }
  }

  test('is used where MPC_KMS_CA_FILE holds that authority', async () => {
    const { https, encryption } = await secured({ MPC_KMS_CA_FILE: files.write('own.pem', own.cert) })
    expect(https.url).toMatch(/^https:/)
    await givesBack(encryption())
    expect(https.requests.length).toBeGreaterThan(1)
  })

  test.each([
    ['with another authority in MPC_KMS_CA_FILE', () => ({ MPC_KMS_CA_FILE: files.write('foreign.pem', foreign.cert) })],
    ['without MPC_KMS_CA_FILE', () => ({})],
  ])('gets neither token nor key %s, which the error names', async (_how, changes) => {
    const { https, encryption } = await secured(changes())
    const problem = `MPC_KMS_CA_FILE: must hold the authority of the certificate of ${https.url} (`
    await expect(encryption().wrap(dataKey, context)).rejects.toThrow(problem)
    expect(https.requests).toEqual([])
  })

  test('gets neither with a certificate for another name, or one that has expired', async () => {
    const changes = { MPC_KMS_CA_FILE: files.write('own.pem', own.cert) }
    for (const [served, problem] of [
      [own.issue(['vault.example']), /^MPC_KMS_URL: .*ERR_TLS_CERT_ALTNAME_INVALID/],
      [own.issue(['127.0.0.1'], { toMs: Date.now() - 1000 }), /^MPC_KMS_URL: .*CERT_HAS_EXPIRED/],
    ] as const) {
      const { https, encryption } = await secured(changes, served)
      await expect(encryption().wrap(dataKey, context)).rejects.toThrow(problem)
      expect(https.requests).toEqual([])
    }
  })

  test('is not even tried with a file that holds no authority', async () => {
    const path = files.write('none.pem', 'no certificate')
    expect(() => open({ MPC_KMS_URL: 'https://127.0.0.1:1', MPC_KMS_CA_FILE: path })).toThrow(
      `MPC_KMS_CA_FILE: ${path} does not hold certificates in PEM form`,
    )
    const MPC_KMS_CA_FILE = join(files.folder, 'nothing')
    expect(() => open({ MPC_KMS_CA_FILE })).toThrow(`MPC_KMS_CA_FILE: ${MPC_KMS_CA_FILE} cannot be read`)
  })
})

describe('a party whose key-encryption key is in a key service', () => {
  const deviceId = 'server_001'
  const stored = {
    keyId: 'key-1',
    keyType: 'eddsa-ed25519',
    epoch: 0,
    partyId: 'server',
    partyIndex: 0,
    thresholdT: 2,
    thresholdN: 2,
    publicKey: new Uint8Array(32),
    members: [],
    erasedPeers: [],
    policy: null,
  } as const
  const share = new TextEncoder().encode('the secret share')
  const newFolders = async () => {
    const shares = await mkdtemp(join(folder, 'shares-'))
    return { shares, guard: guardFolderOf(shares) }
  }
  const keyFiles = ({ shares, guard }: Readonly<{ shares: string; guard: string }>) => {
    return { shares: fileRecords(shares, '.key'), guard: fileRecords(guard, '.key') }
  }

  test('asks it when it opens its store, and not for any record', async () => {
    const folders = await newFolders()
    await openPartyFolders(folders, open(), deviceId)
    const before = server.requests.length
    const { shares, guard } = await openPartyFolders(folders, open(), deviceId)
    expect(server.requests.slice(before).map(({ operation }) => operation)).toEqual(['decrypt', 'decrypt'])
    await server.close()
    await shares.put({ key: stored, share: share.slice() })
    await guard.ban({ keyId: 'key-1', partyId: 'device', reason: 'x', sessionId: 's', bannedAtMs: 1 })
    expect((await shares.get('key-1'))?.share).toEqual(share)
  })

  test('came from a key file by rewrapping, and goes to the newest version of its key by rewrapping', async () => {
    const folders = await newFolders()
    const fromFile = () => keyEncryptionFromEnv({ MPC_KEK_FILE: join(folder, 'kek') }, 'MPC_')
    const running = await openPartyFolders(folders, fromFile(), deviceId)
    await running.shares.put({ key: stored, share: share.slice() })
    await rewrapKeyFiles(keyFiles(folders), deviceId, fromFile(), open())
    expect((await running.shares.get('key-1'))?.share).toEqual(share)
    await expect(openPartyFolders(folders, fromFile(), deviceId)).rejects.toThrow(/but the key given is local:/)
    server.rotate(key)
    const [shares] = await rewrapKeyFiles(keyFiles(folders), deviceId, open(), open())
    expect(shares).toMatchObject({ before: [`transit:transit/${key} version 1`], after: `transit:transit/${key} version 2` })
    server.forget(key, 2)
    const reopened = await openPartyFolders(folders, open(), deviceId)
    expect((await reopened.shares.get('key-1'))?.share).toEqual(share)
  })

  test('is not left with half a store when the service goes away in the middle', async () => {
    const folders = await newFolders()
    server.misbehave(418)
    await expect(openPartyFolders(folders, open(), deviceId)).rejects.toThrow('MPC_KMS_KEY')
    const { shares } = await openPartyFolders(folders, open(), deviceId)
    await shares.put({ key: stored, share: share.slice() })
    server.rotate(key)
    for (let answered = 0; answered < 8; answered++) {
      let calls = 0
      const flaky = open()
      const failing: KeyEncryption = {
        ...flaky,
        wrap: (...wrapping) => (calls++ === answered ? server.misbehave(418) : undefined, flaky.wrap(...wrapping)),
        unwrap: (...wrapped) => (calls++ === answered ? server.misbehave(418) : undefined, flaky.unwrap(...wrapped)),
      }
      await rewrapKeyFiles(keyFiles(folders), deviceId, failing, failing).catch((error: unknown) => {
        expect(String(error)).toContain('MPC_KMS_KEY')
      })
      const reopened = await openPartyFolders(folders, open(), deviceId)
      expect((await reopened.shares.get('key-1'))?.share).toEqual(share)
    }
  })
})
