/**
 * nkeys for the NATS users of deploy/nats: a seed file for each, and the public halves as nats-server includes them.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nkeys } from '@nats-io/transport-node'
import { readSecretFile } from '../../edge/secret-key-file.ts'
import { makeFolder } from '../../party/node/make-folder.ts'
import { StartupError } from '../startup-error.ts'

/** Each has an account of its own in deploy/nats/accounts.conf. */
export const natsUsers = ['coordinator', 'router', 'auditor', 'operator'] as const
export type NatsUser = (typeof natsUsers)[number]

export const seedFile = (folder: string, user: NatsUser): string => join(folder, `${user}.seed`)
export const usersFile = (folder: string): string => join(folder, 'users.conf')

/**
 * Makes what is not there yet: `<user>.seed`, readable by its owner only, and `users.conf`. A present `users.conf` is
 * left as it is. Throws StartupError.
 */
export function makeUserKeys(folder: string): readonly string[] {
  makeFolder(folder, 0o700)
  const conf = usersFile(folder)
  if (existsSync(conf)) throw new StartupError(`${conf} is there already: name another folder for new keys`)
  const users = natsUsers.map((user) => ({ user, file: seedFile(folder, user), key: keyIn(seedFile(folder, user)) }))
  const lines = users.map(({ user, key }) => `${user}_users: [{ nkey: ${key} }]`)
  writeFileSync(conf, `${head}${lines.join('\n')}\n`)
  return [...users.map(({ file }) => file), conf]
}

const head = `# Public nkeys of the users in accounts.conf. To change one: add its successor beside it, let nats-server
# reload (nats-server --signal reload), give the service the new seed, take the old one out, reload again.
`

/** The public key of the seed in the file, which is made if absent. */
function keyIn(file: string): string {
  if (existsSync(file)) {
    const seed = new TextEncoder().encode(readSecretFile('seed', file).toString().trim())
    return nkeys.fromSeed(seed).getPublicKey()
  }
  const pair = nkeys.createUser()
  writeFileSync(file, `${new TextDecoder().decode(pair.getSeed())}\n`, { mode: 0o600, flag: 'wx' })
  return pair.getPublicKey()
}

