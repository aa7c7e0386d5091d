/** `mpc party bans`: of a party that runs, through its API; or of one that may not, from its folders. */
import { ConnectError } from '@connectrpc/connect'
import { connectService } from '../../edge/service-client.ts'
import { clientTlsFromEnv } from '../../edge/tls/tls-config.ts'
import { ServerParty } from '../../gen/mpc/party/v1/server_party_pb.ts'
import { secureRandom, systemClock } from '../../party/clock.ts'
import { fileRecords } from '../../party/node/file-records.ts'
import { keyEncryptionFromEnv } from '../../party/node/key-encryption-from-env.ts'
import { storeRecords } from '../../party/node/party-store.ts'
import { listedBans, type ListedBan, type ListedFrozenKey } from '../../party/server/server-party-service.ts'
import { readGuard } from '../../party/store/key-guard.ts'
import { recordKey } from '../../party/store/sealed-record.ts'
import { createShareStore } from '../../party/store/share-store.ts'
import { readStoreKeys, wipeStoreKeys } from '../../party/store/store-keys.ts'
import { StartupError } from '../startup-error.ts'
import { onStore, storeLocation } from './store-location.ts'

export type BansOptions = Readonly<{ url?: string; json?: true }>

type Listed = Readonly<{ bans: readonly ListedBan[]; frozenKeys: readonly ListedFrozenKey[] }>

/** @throws ConfigurationError, StartupError */
export async function bans({ url, json }: BansOptions, env: NodeJS.ProcessEnv): Promise<void> {
  const listed = url === undefined ? await fromFolders(env) : await fromParty(url, env)
  console.log(json === true ? jsonOf(listed) : textOf(listed))
}

async function fromParty(url: string, env: NodeJS.ProcessEnv): Promise<Listed> {
  const bearer = env['MPC_API_KEY'] ?? ''
  const tls = clientTlsFromEnv(env)
  let connection
  try {
    connection = connectService(url, { tls, ...(bearer !== '' && { bearer }) })
    return await connection.client(ServerParty).listBans({})
  } catch (error) {
    throw new StartupError(`${url}: ${problemOf(error)}`)
  } finally {
    connection?.close()
  }
}

function problemOf(error: unknown): string {
  // Node's words for an answer that is not HTTP/2 (NGHTTP2_PROTOCOL_ERROR).
  if (error instanceof ConnectError && error.rawMessage === 'Protocol error') {
    return "no gRPC is spoken there: --url takes the party's gRPC port (50053 by default), not its HTTP port"
  }
  return error instanceof Error ? error.message : 'the party cannot be asked'
}

async function fromFolders(env: NodeJS.ProcessEnv): Promise<Listed> {
  const location = storeLocation(env)
  const { folders, deviceId } = location
  const encryption = keyEncryptionFromEnv(env, 'MPC_')
  return onStore(location, async () => {
    const records = await storeRecords(folders, fileRecords)
    const keys = await readStoreKeys(records, encryption, deviceId).finally(() => encryption.close())
    const shares = createShareStore(records.shares, recordKey(keys.shares, 'key-share', deviceId, secureRandom))
    const ledgers = { records: records.ledgers, key: recordKey(keys.guard, 'key-ledger', deviceId, secureRandom) }
    wipeStoreKeys(keys)
    const found = await readGuard(ledgers, shares, systemClock.nowMs())
    return listedBans(found.bans, found.frozenKeys)
  })
}

/** Names as in the API's JSON. */
function jsonOf({ bans, frozenKeys }: Listed): string {
  return JSON.stringify({
    bans: bans.map(({ keyId, partyId, reason, sessionId, bannedAt }) => {
      return { key_id: keyId, party_id: partyId, reason, session_id: sessionId, banned_at: Number(bannedAt) }
    }),
    frozen_keys: frozenKeys.map(({ keyId, reason, sessionId, frozenAt, sessions }) => {
      return { key_id: keyId, reason, session_id: sessionId, frozen_at: Number(frozenAt), sessions }
    }),
  })
}

function textOf({ bans, frozenKeys }: Listed): string {
  if (bans.length === 0 && frozenKeys.length === 0) return 'No bans, no frozen keys.'
  const lines = [
    ...bans.map(({ keyId, partyId, reason, sessionId, bannedAt }) => {
      return `banned  ${timeOf(bannedAt)}  key ${keyId}  party ${partyId}  ${reason}  ${sessionOf(sessionId)}`
    }),
    ...frozenKeys.map(({ keyId, reason, sessionId, frozenAt }) => {
      return `frozen  ${timeOf(frozenAt)}  key ${keyId}  ${reason}  ${sessionOf(sessionId)}`
    }),
  ]
  return lines.join('\n')
}

function sessionOf(sessionId: string): string {
  return sessionId === '' ? 'session unknown' : `session ${sessionId}`
}

/** Earlier releases did not keep when a key was frozen. */
function timeOf(unixSeconds: bigint): string {
  return unixSeconds === 0n ? 'time unknown' : new Date(Number(unixSeconds) * 1_000).toISOString()
}
