import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import secp256k1 from 'secp256k1'
import { expect, test } from 'vitest'
import { libsecp256k1VerifiesBip340, opensslVerifiesEd25519 } from '../../src/cli/demo/schnorr-check.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

async function demo(...args: string[]) {
  const child = spawn(process.execPath, ['scripts/run.mjs', 'demo', ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await exited, stdout, stderr }
}

test('demo --json prints one object whose three signatures libsecp256k1 accepts, and nothing else', async () => {
  const { code, stdout, stderr } = await demo('--json')
  expect(code, stderr).toBe(0)
  const result = JSON.parse(stdout)
  expect(result).toMatchObject({
    public_key: expect.stringMatching(/^04[0-9a-f]{128}$/),
    address: expect.stringMatching(/^0x[0-9a-fA-F]{40}$/),
    message_hash: '8dcd9f3511659638d5c33938ddb7fee9bb63533b94a97c7467d3fd36abbdca81',
    signatures: [
      { signers: ['user_device', 'server_party'] },
      { signers: ['user_device', 'recovery_party'] },
      { signers: ['server_party', 'recovery_party'] },
    ],
    policy: { approvers: [expect.stringMatching(/^[0-9a-f]{64}$/)], required_approvals: 1 },
    timings_ms: { keygen: expect.any(Number), total: expect.any(Number) },
  })
  const publicKey = Buffer.from(result.public_key, 'hex')
  for (const { signature, recovery_id } of result.signatures) {
    expect(signature).toMatch(/^[0-9a-f]{128}$/)
    const [bytes, hash] = [Buffer.from(signature, 'hex'), Buffer.from(result.message_hash, 'hex')]
    expect(secp256k1.ecdsaVerify(bytes, hash, publicKey)).toBe(true)
    expect(Buffer.from(secp256k1.ecdsaRecover(bytes, recovery_id, hash, false))).toEqual(publicKey)
  }
})

test.each([
  ['eddsa-ed25519', opensslVerifiesEd25519],
  ['schnorr-secp256k1', libsecp256k1VerifiesBip340],
])('demo --key-type %s makes a key of that type and three signatures that others accept', async (keyType, verifies) => {
  const { code, stdout, stderr } = await demo('--json', '--key-type', keyType)
  expect(code, stderr).toBe(0)
  const result = JSON.parse(stdout)
  expect(result).toMatchObject({ key_type: keyType, public_key: expect.stringMatching(/^[0-9a-f]{64}$/) })
  expect(result).not.toHaveProperty('address')
  const signed = Buffer.from(result.message ?? result.message_hash, keyType === 'eddsa-ed25519' ? 'base64' : 'hex')
  expect(result.signatures).toHaveLength(3)
  for (const { signature } of result.signatures) {
    expect(verifies(Buffer.from(signature, 'hex'), signed, Buffer.from(result.public_key, 'hex'))).toBe(true)
  }
})

test('the demo tells its story and ends with 0', async () => {
  const { code, stdout, stderr } = await demo()
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(/Key generation, 2 of 3/)
  expect(stdout).toMatch(/Policy of the key: its owner \([0-9a-f-]+\) approves each signature/)
  expect(stdout.match(/the signature is valid, and the public key is recovered from it/g)).toHaveLength(3)
})

test('an unknown option is one line and a non-zero exit', async () => {
  const { code, stdout, stderr } = await demo('--nonsense')
  expect(code).not.toBe(0)
  expect(stdout).toBe('')
  expect(stderr).toContain("unknown option '--nonsense'")
})
