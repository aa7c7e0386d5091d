/** The dev stack's data folder: made once, with the keys of the coordinator and of the three server parties. */
import { randomBytes } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { identityFromSeed } from '../../identity/identity-key.ts'
import { makeFolder } from '../../party/node/make-folder.ts'
import { StartupError } from '../startup-error.ts'
import { serviceSpecs, type ServiceName } from './services.ts'

export type DataFolder = Readonly<{
  path: string
  nats: string
  postgres: string
  credentialKeyFile: string
  coordinatorIdentityFile: string
  serverPartiesFile: string
  /** What the server parties know of each other. */
  peerIdentitiesFile: string
  logFile: (process: string) => string
  /** Of a server party; each has its own. */
  party: (name: ServiceName) => Readonly<{ identityFile: string; kekFile: string; shareFolder: string }>
}>

export function describeDataFolder(path: string): DataFolder {
  return {
    path,
    nats: join(path, 'nats'),
    postgres: join(path, 'postgres'),
    credentialKeyFile: join(path, 'keys', 'credential-key'),
    coordinatorIdentityFile: join(path, 'keys', 'coordinator-identity'),
    serverPartiesFile: join(path, 'server-parties.json'),
    peerIdentitiesFile: join(path, 'peer-identities.json'),
    logFile: (process) => join(path, 'logs', `${process}.log`),
    party: (name) => ({
      identityFile: join(path, 'keys', `${name}-identity`),
      kekFile: join(path, 'keys', `${name}-kek`),
      shareFolder: join(path, 'shares', name),
    }),
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'no permission',
  ENOENT: 'no folder can be made there',
  EROFS: 'read-only',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'not a folder',
  EEXIST: 'not a folder',
}

/** Makes the folder. Throws StartupError if that is impossible. */
export function makeDataFolder(path: string): DataFolder {
  const folder = describeDataFolder(path)
  try {
    makeFolder(path)
    accessSync(path, constants.W_OK | constants.X_OK)
    // PostgreSQL under an account of its own passes through; the secrets are in folders and files only we can read.
    chmodSync(path, 0o711)
    for (const inner of ['keys', 'shares', 'logs']) mkdirSync(join(path, inner), { recursive: true, mode: 0o700 })
    return folder
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    // What the system says of a file depends on who asks.
    const isFile = existsSync(path) && statSync(path).isFile()
    const reason = (isFile ? reasons['ENOTDIR'] : reasons[code]) ?? code
    throw new StartupError(`the data folder ${path} cannot be written (${reason}): choose another with --data`)
  }
}

/** Creates the keys that are missing, and the lists of server parties. Existing keys are never replaced. */
export async function ensureKeys(folder: DataFolder): Promise<void> {
  ensureKey(folder.credentialKeyFile)
  ensureKey(folder.coordinatorIdentityFile)
  const registered = []
  for (const { name, deviceId } of serviceSpecs) {
    if (deviceId === undefined) continue
    const { identityFile, kekFile, shareFolder } = folder.party(name)
    ensureKey(kekFile)
    const { publicKey } = await identityFromSeed(ensureKey(identityFile))
    registered.push({ device_id: deviceId, identity_key: Buffer.from(publicKey).toString('hex') })
    mkdirSync(shareFolder, { recursive: true, mode: 0o700 })
  }
  // Two files of the same content here: elsewhere the coordinator's is not the one that server parties believe.
  for (const file of [folder.serverPartiesFile, folder.peerIdentitiesFile]) {
    writeWhole(file, `${JSON.stringify(registered, null, 2)}\n`)
  }
}

/** 32 random bytes, kept as 64 hex digits that only we can read. */
function ensureKey(file: string): Uint8Array {
  if (!existsSync(file)) writeWhole(file, `${randomBytes(32).toString('hex')}\n`)
  return Buffer.from(readFileSync(file, 'utf8').trim(), 'hex')
}

/** A file that is there is whole, whenever we are killed. */
function writeWhole(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true })
  renameSync(`${file}.new`, file)
}
