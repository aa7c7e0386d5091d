import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import secp256k1 from 'secp256k1'
import { expect, test } from 'vitest'
import { libsecp256k1VerifiesBip340 } from '../../src/cli/demo/schnorr-check.ts'

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

const messageHash = Buffer.from('8dcd9f3511659638d5c33938ddb7fee9bb63533b94a97c7467d3fd36abbdca81', 'hex')

test('the demo tells its story, with three signatures that libsecp256k1 accepts, and ends with 0', async () => {
  const { code, stdout, stderr } = await demo()
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(/Key generation, 2 of 3, ecdsa-secp256k1/)
  expect(stdout).toMatch(/Policy of the key: its owner \([0-9a-f-]+\) approves each signature/)
  expect(stdout).toMatch(/Ethereum address 0x[0-9a-fA-F]{40}\n/)
  expect(stdout.match(/the signature is valid, and the public key is recovered from it/g)).toHaveLength(3)

  const publicKey = Buffer.from(/public key +(04[0-9a-f]{128})\n/.exec(stdout)?.[1] ?? '', 'hex')
  const signatures = [...stdout.matchAll(/ r +([0-9a-f]{64})\n +s +([0-9a-f]{64})\n +recovery id +(\d)\n/g)]
  expect(signatures).toHaveLength(3)
  for (const [, r = '', s = '', recoveryId] of signatures) {
    const signature = Buffer.from(r + s, 'hex')
    expect(secp256k1.ecdsaVerify(signature, messageHash, publicKey)).toBe(true)
    expect(Buffer.from(secp256k1.ecdsaRecover(signature, Number(recoveryId), messageHash, false))).toEqual(publicKey)
  }
})

// The third key type goes through the same scenario in key-types.test.ts, on a stack that runs there anyway.
test('demo --json prints one object and nothing else, here of the key type that it was given', async () => {
  const { code, stdout, stderr } = await demo('--json', '--key-type', 'schnorr-secp256k1')
  expect(code, stderr).toBe(0)
  const result = JSON.parse(stdout)
  expect(result).toMatchObject({
    key_type: 'schnorr-secp256k1',
    public_key: expect.stringMatching(/^[0-9a-f]{64}$/),
    message_hash: messageHash.toString('hex'),
    signatures: [
      { signers: ['user_device', 'server_party'] },
      { signers: ['user_device', 'recovery_party'] },
      { signers: ['server_party', 'recovery_party'] },
    ],
    policy: { approvers: [expect.stringMatching(/^[0-9a-f]{64}$/)], required_approvals: 1 },
    timings_ms: { keygen: expect.any(Number), total: expect.any(Number) },
  })
  expect(result).not.toHaveProperty('address')
  const publicKey = Buffer.from(result.public_key, 'hex')
  for (const { signature } of result.signatures) {
    expect(libsecp256k1VerifiesBip340(Buffer.from(signature, 'hex'), messageHash, publicKey)).toBe(true)
  }
})

test('an unknown option is one line and a non-zero exit', async () => {
  const { code, stdout, stderr } = await demo('--nonsense')
  expect(code).not.toBe(0)
  expect(stdout).toBe('')
  expect(stderr).toContain("unknown option '--nonsense'")
})
