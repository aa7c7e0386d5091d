/** mpc.party.v1.ServerParty: what an operator may see. Needs an API key with the scope "audit". */
import type { ServiceImpl } from '@connectrpc/connect'
import { bytesToHex } from '@noble/hashes/utils.js'
import { publicKeyHex } from '../../crypto/public-key.ts'
import { callerKey, requireScope } from '../../edge/caller.ts'
import type { ServerParty } from '../../gen/mpc/party/v1/server_party_pb.ts'
import { fingerprint } from '../../identity/identity-key.ts'
import type { Ban, FrozenKey, KeyGuard } from '../store/key-guard.ts'
import type { ShareStore, StoredKey } from '../store/share-store.ts'

export type ServerPartyView = Readonly<{
  deviceId: string
  identityKey: Uint8Array
  shares: ShareStore
  guard: KeyGuard
  runningSessions: () => number
}>

const defaultPageSize = 100

export function serverPartyService(view: ServerPartyView): ServiceImpl<typeof ServerParty> {
  return {
    async getParty(_request, context) {
      requireScope(context.values.get(callerKey), 'audit')
      return {
        deviceId: view.deviceId,
        identityKey: bytesToHex(view.identityKey),
        fingerprint: fingerprint(view.identityKey),
        keyShares: await view.shares.count(),
        runningSessions: view.runningSessions(),
      }
    },
    async listKeyShares({ limit, afterKeyId }, context) {
      requireScope(context.values.get(callerKey), 'audit')
      const size = limit === 0 ? defaultPageSize : limit
      const keys = await view.shares.list({ after: afterKeyId, limit: size + 1 })
      return { keys: keys.slice(0, size).map(keyShareInfo), hasMore: keys.length > size }
    },
    async listBans(_request, context) {
      requireScope(context.values.get(callerKey), 'audit')
      return listedBans(view.guard.bans(), view.guard.frozenKeys())
    },
  }
}

/** As in the answer of ListBans. */
export function listedBans(
  bans: readonly Ban[],
  frozenKeys: readonly FrozenKey[],
): Readonly<{ bans: ListedBan[]; frozenKeys: ListedFrozenKey[] }> {
  return {
    bans: bans.map(({ bannedAtMs, ...ban }) => ({ ...ban, bannedAt: secondsOf(bannedAtMs) })),
    frozenKeys: frozenKeys.map(({ frozenAtMs, sessions, ...frozen }) => {
      return { ...frozen, frozenAt: secondsOf(frozenAtMs), sessions: [...sessions] }
    }),
  }
}

export type ListedBan = Omit<Ban, 'bannedAtMs'> & Readonly<{ bannedAt: bigint }>
export type ListedFrozenKey = Omit<FrozenKey, 'frozenAtMs' | 'sessions'> & { frozenAt: bigint; sessions: string[] }

function secondsOf(timeMs: number): bigint {
  return BigInt(Math.floor(timeMs / 1_000))
}

function keyShareInfo(key: StoredKey) {
  const { keyId, keyType, epoch, partyId, partyIndex, thresholdT, thresholdN } = key
  const publicKey = publicKeyHex(key.publicKey)
  return { keyId, keyType, epoch, partyId, partyIndex, thresholdT, thresholdN, publicKey }
}
