/** The file of server parties: a mistake in it is named before anything starts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ed25519 } from '@noble/curves/ed25519.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { afterAll, describe, expect, test } from 'vitest'
import { readServerParties } from '../../../src/edge/server-parties.ts'

const folder = mkdtempSync(join(tmpdir(), 'mpc-server-parties-'))
const file = join(folder, 'parties.json')
const identityKey = ed25519.getPublicKey(new Uint8Array(32).fill(3))
const entry = { device_id: 'server_001', identity_key: bytesToHex(identityKey) }

afterAll(() => rmSync(folder, { recursive: true }))

function read(content: string) {
  writeFileSync(file, content)
  return readServerParties('MPC_SERVER_PARTIES_FILE', file)
}

describe('the file of server parties', () => {
  test('gives the identity key of every device', () => {
    expect(read(JSON.stringify([entry])).get('server_001')).toEqual(identityKey)
  })

  test.each([
    ['is not JSON', 'nonsense'],
    ['device_id', JSON.stringify([{ ...entry, device_id: 'a b' }])],
    ['identity_key', JSON.stringify([{ ...entry, identity_key: '00' }])],
    ['not an Ed25519 public key', JSON.stringify([{ ...entry, identity_key: '00'.repeat(32) }])],
    ['listed twice', JSON.stringify([entry, entry])],
    ['is that of another device', JSON.stringify([entry, { ...entry, device_id: 'server_002' }])],
  ])('refuses one that says: %s', (what, content) => {
    expect(() => read(content)).toThrow(what)
    expect(() => read(content)).toThrow('MPC_SERVER_PARTIES_FILE')
  })

  test('refuses one that does not exist', () => {
    expect(() => readServerParties('MPC_SERVER_PARTIES_FILE', join(folder, 'missing'))).toThrow('cannot be read')
  })
})
