/** mpc.account.v1.AccountService (API reference, section 4.1): who may ask for signatures with which key. */
import { randomUUID } from 'node:crypto'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import { ed25519 } from '@noble/curves/ed25519.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { callerKey, requireScope } from '../edge/caller.ts'
import { hashRequest, idempotencyKeyOf, scopedKey } from '../edge/idempotency.ts'
import { invalidField, Refusal } from '../edge/refusal.ts'
import { CreateAccountRequestSchema, type AccountService } from '../gen/mpc/account/v1/account_service_pb.ts'
import type { Account, AccountStore } from './account-store.ts'

export function accountService(store: AccountStore, now: () => Date): ServiceImpl<typeof AccountService> {
  return {
    createAccount: async (request, { values, requestHeader }) => {
      const caller = requireScope(values.get(callerKey), 'accounts')
      const key = idempotencyKeyOf(requestHeader)
      const { username, email, phone, publicKey } = request
      const wanted: Account = {
        id: `acc-${randomUUID()}`,
        username,
        email,
        phone,
        publicKey: parsePublicKey(publicKey),
        createdAt: wholeSecond(now()),
      }
      const requestHash = hashRequest(CreateAccountRequestSchema, request)
      const account = await store.insert(wanted, key === null ? null : { key: scopedKey(caller, key), requestHash })
      return {
        id: account.id,
        username: account.username,
        email: account.email,
        status: 'active',
        createdAt: timestampFromMs(account.createdAt.getTime()),
      }
    },

    getAccount: async ({ id }, { values }) => {
      requireScope(values.get(callerKey), 'accounts')
      const { username, email, phone, publicKey, createdAt } = await requireAccount(store, id, 'id')
      return {
        id,
        username,
        email,
        phone,
        publicKey: shownPublicKey(publicKey),
        status: 'active',
        createdAt: timestampFromMs(createdAt.getTime()),
      }
    },

    deleteAccount: async ({ id }, { values }) => {
      requireScope(values.get(callerKey), 'accounts')
      if (!(await store.erase(id))) throw unknownAccount('id')
      return { success: true }
    },
  }
}

/** The account, or Refusal 'not_found' naming `field`: the request's field that held the id. */
export async function requireAccount(store: AccountStore, id: string, field: string): Promise<Account> {
  const account = await store.find(id)
  if (account === null) throw unknownAccount(field)
  return account
}

function unknownAccount(field: string): Refusal {
  return new Refusal('not_found', 'there is no such account', { [field]: 'is not the id of an account' })
}

/**
 * 33 bytes from 33 or 65 in hex (secp256k1, for ECDSA), or 32 as they are (Ed25519, or BIP-340's form of secp256k1: the
 * key generation knows which). Throws Refusal 'invalid_request' naming `publicKey`.
 */
function parsePublicKey(hex: string): Uint8Array {
  const bytes = hexToBytes(hex)
  if (bytes.length === 32) {
    const isX = secp256k1.utils.isValidPublicKey(Uint8Array.of(2, ...bytes), true)
    if (isX || ed25519.utils.isValidPublicKey(bytes, false)) return bytes
    throw invalidField('publicKey', 'is neither a point of Ed25519 nor an x coordinate on secp256k1')
  }
  try {
    return secp256k1.Point.fromBytes(bytes).toBytes(true)
  } catch {
    throw invalidField('publicKey', 'is not a point of secp256k1')
  }
}

/** Hex: 65 bytes for a key kept in 33, other keys as they are. */
function shownPublicKey(publicKey: Uint8Array): string {
  return publicKey.length === 33 ? secp256k1.Point.fromBytes(publicKey).toHex(false) : bytesToHex(publicKey)
}

/** Documented times have no fraction. */
function wholeSecond(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1_000) * 1_000)
}
