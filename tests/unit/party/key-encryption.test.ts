/** Where a key-encryption key comes from, and that keys in memory are overwritten. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { keyFromHex } from '../../../src/edge/secret-key-file.ts'
import { secureRandom } from '../../../src/party/clock.ts'
import { keyEncryptionFromEnv } from '../../../src/party/node/key-encryption-from-env.ts'
import { fromBase64, toBase64 } from '../../../src/party/node/key-service/base64-bytes.ts'
import { openPartyFolders } from '../../../src/party/node/party-store.ts'
import { localKeyEncryption } from '../../../src/party/store/local-key-encryption.ts'
import { giveToyKey, temporaryFolder } from './fixtures/parties.ts'

const hex = '5a'.repeat(32)
const kek = new Uint8Array(32).fill(0x5a)

afterEach(() => vi.restoreAllMocks())

async function keyFile(): Promise<string> {
  const path = join(await temporaryFolder(), 'kek')
  await writeFile(path, `${hex}\n`, { mode: 0o600 })
  return path
}

describe('a key-encryption key', () => {
  test('is the same from a file as from the environment, where it does not stay', async () => {
    const env: NodeJS.ProcessEnv = { MPC_KEK: hex }
    const fromEnvironment = keyEncryptionFromEnv(env, 'MPC_')
    expect(env).toEqual({})
    const fromFile = keyEncryptionFromEnv({ MPC_KEK_FILE: await keyFile() }, 'MPC_')
    expect(fromEnvironment.keyId).toBe(fromFile.keyId)
    expect(fromFile.keyId).toBe(localKeyEncryption(kek, secureRandom).keyId)
    expect(fromFile.keyId).not.toBe(localKeyEncryption(new Uint8Array(32).fill(0x5b), secureRandom).keyId)
  })

  test.each([
    [{}, 'MPC_KEK_FILE: must be set, or MPC_KEK, or MPC_KMS_URL'],
    [{ MPC_KEK_FILE: '/kek', MPC_KEK: hex }, 'MPC_KEK: is set as well as MPC_KEK_FILE: only one may be'],
    [{ MPC_KEK: hex, MPC_KMS_URL: 'https://vault.example' }, 'MPC_KMS_URL: is set as well as MPC_KEK: only one may be'],
    [{ MPC_KEK: hex.slice(1) }, 'MPC_KEK: must be 64 hex digits'],
    [{ MPC_KEK: hex.replace('5', 'g') }, 'MPC_KEK: must be 64 hex digits'],
    [{ MPC_KMS_URL: 'http://vault.example' }, 'MPC_KMS_URL: must be an https:// URL; http:// is for loopback only'],
    [{ MPC_KMS_URL: 'https://token@vault.example' }, 'MPC_KMS_URL: must be an https:// URL'],
    [{ MPC_KMS_URL: 'https://vault.example' }, 'MPC_KMS_KEY: must be set'],
    [{ MPC_KMS_URL: 'https://vault.example', MPC_KMS_KEY: '../sys' }, 'MPC_KMS_KEY: must be a name'],
    [{ MPC_KMS_URL: 'https://vault.example', MPC_KMS_KEY: 'k' }, 'MPC_KMS_TOKEN_FILE: must be set'],
  ])('comes from one good source: %o', (env, problem) => {
    expect(() => keyEncryptionFromEnv({ ...env }, 'MPC_')).toThrow(problem)
  })

  test('of a key service needs a readable file of trusted certificates where one is named', () => {
    const service = { MPC_NEW_KMS_URL: 'https://vault.example', MPC_NEW_KMS_KEY: 'k', MPC_NEW_KMS_TOKEN_FILE: '/t' }
    const env = { ...service, MPC_NEW_KMS_CA_FILE: '/nowhere/ca.pem' }
    expect(() => keyEncryptionFromEnv(env, 'MPC_NEW_')).toThrow('MPC_NEW_KMS_CA_FILE: /nowhere/ca.pem cannot be read')
  })

  test('is read from hex digits in either case with white space around them, and from nothing else', () => {
    const read = (text: string) => keyFromHex('X', Buffer.from(text), 'no')
    expect(read(`\r\n ${'aB'.repeat(32)}\t\n`)).toEqual(new Uint8Array(32).fill(0xab))
    for (const text of ['', hex.slice(2), `${hex}00`, `${hex.slice(1)} `, `${hex.slice(0, 63)}\u00e9`, `${hex.slice(0, 63)}@`]) {
      expect(() => read(text), text).toThrow('X: no')
    }
  })
})

describe('what was secret in memory is overwritten:', () => {
  test('the copy of a key-encryption key, when it is closed', () => {
    const encryption = localKeyEncryption(kek, secureRandom)
    const own = encryption.directKey()
    expect(own).toEqual(kek)
    encryption.close()
    expect(own).toEqual(new Uint8Array(32))
  })

  test('data keys, once the store is open', async () => {
    const dataKeys: Uint8Array[] = []
    const local = localKeyEncryption(kek, secureRandom)
    const watched = {
      ...local,
      wrap: (dataKey: Uint8Array, context: Uint8Array) => (dataKeys.push(dataKey), local.wrap(dataKey, context)),
      unwrap: async (...wrapped: Parameters<typeof local.unwrap>) => {
        const dataKey = await local.unwrap(...wrapped)
        if (dataKey !== null) dataKeys.push(dataKey)
        return dataKey
      },
    }
    const shares = await temporaryFolder()
    const store = await openPartyFolders({ shares, guard: join(shares, 'guard') }, watched, 'server_001')
    expect(dataKeys.length).toBeGreaterThanOrEqual(6)
    expect(dataKeys.every((dataKey) => dataKey.every((byte) => byte === 0))).toBe(true)
    // Its records open with keys derived from them.
    await giveToyKey({ partyId: 'device', store }, ['device', 'server'], 'key-1')
    expect((await store.shares.get('key-1'))?.share).toEqual(new Uint8Array(32).fill(9))
  })

  test('the file that a key was read from', async () => {
    const path = await keyFile()
    const read: Buffer[] = []
    vi.spyOn(Buffer.prototype, 'fill').mockImplementation(function (this: Buffer, ...fill) {
      read.push(this)
      return Uint8Array.prototype.fill.call(this, Number(fill[0])) as Buffer
    })
    keyEncryptionFromEnv({ MPC_KEK_FILE: path }, 'MPC_')
    const file = read.find((bytes) => bytes.length === hex.length + 1)
    expect(file?.every((byte) => byte === 0)).toBe(true)
  })
})

test("base64 in bytes is Node's, and takes no second spelling", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      const text = Buffer.from(bytes).toString('base64')
      expect(Buffer.from(toBase64(bytes)).toString()).toBe(text)
      expect(fromBase64(Buffer.from(text))).toEqual(bytes)
    }),
  )
  for (const text of ['A', 'AA', 'AAA', 'AB==', 'AAB=', 'A===', '====', 'AA=A', 'AA-A', 'AA A', 'AAAA\n']) {
    expect(fromBase64(Buffer.from(text)), text).toBeNull()
  }
})
