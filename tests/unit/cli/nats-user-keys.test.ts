import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nkeys } from '@nats-io/transport-node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeUserKeys, natsUsers, seedFile, usersFile } from '../../../src/cli/nats/user-keys.ts'
import { serviceEnvironment } from '../../../src/cli/stack/service-environment.ts'
import { describeDataFolder } from '../../../src/cli/stack/data-folder.ts'
import { serviceSpecs, type Ports, type ServiceName } from '../../../src/cli/stack/services.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mpc-nats-keys-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const publicKeyOf = (file: string) => nkeys.fromSeed(new TextEncoder().encode(readFileSync(file, 'utf8').trim())).getPublicKey()

test('each user gets a seed that only its owner may read, and nats-server the public key', () => {
  makeUserKeys(folder)
  const users = readFileSync(usersFile(folder), 'utf8')
  for (const user of natsUsers) {
    const file = seedFile(folder, user)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(users).toContain(`\n${user}_users: [{ nkey: ${publicKeyOf(file)} }]\n`)
    expect(users).not.toContain(readFileSync(file, 'utf8').trim())
  }
})

test('keys that are there are never replaced', () => {
  makeUserKeys(folder)
  const before = publicKeyOf(seedFile(folder, 'router'))
  expect(() => makeUserKeys(folder)).toThrow(/users.conf is there already/)
  rmSync(usersFile(folder))
  makeUserKeys(folder)
  expect(publicKeyOf(seedFile(folder, 'router'))).toBe(before)
})

test('the development stack, open and on loopback, takes no keys or certificates from its environment', () => {
  const ports = Object.fromEntries(serviceSpecs.map(({ name }) => [name, { grpcPort: 1, httpPort: 2 }])) as Record<ServiceName, Ports> // one for each
  const foreign = { MPC_TLS_CERT_FILE: 'a', MPC_TLS_CA_FILE: 'b', NATS_NKEY_SEED_FILE: 'c', NATS_TLS_CA_FILE: 'd', PATH: 'e' }
  const [spec] = serviceSpecs
  if (spec === undefined) throw new Error('no services')
  const backing = { natsUrl: 'nats://127.0.0.1:3', databaseUrl: 'postgres://127.0.0.1:4/mpc' }
  const told = serviceEnvironment(spec, ports, describeDataFolder(folder), backing, foreign)
  expect(told['PATH']).toBe('e')
  expect(Object.keys(told).filter((name) => /TLS|NKEY/.test(name))).toEqual([])
})
