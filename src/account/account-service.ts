/** mpc.account.v1.AccountService (API reference, section 4.1): who may ask for signatures with which key. */
import { randomUUID } from 'node:crypto'
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { callerKey, requireScope } from '../edge/caller.ts'
import { Refusal } from '../edge/refusal.ts'
import type { AccountService } from '../gen/mpc/account/v1/account_service_pb.ts'
import type { Account, AccountStore } from './account-store.ts'

export function accountService(store: AccountStore, now: () => Date): ServiceImpl<typeof AccountService> {
  return {
    createAccount: async ({ username, email, phone, publicKey }, { values }) => {
      requireScope(values.get(callerKey), 'accounts')
      const account: Account = {
        id: `acc-${randomUUID()}`,
        username,
        email,
        phone,
        publicKey: parsePublicKey(publicKey),
        createdAt: wholeSecond(now()),
      }
      await store.insert(account)
      return {
        id: account.id,
        username,
        email,
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
        publicKey: secp256k1.Point.fromBytes(publicKey).toHex(false),
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

/** 33 bytes from 33 or 65 in hex. Throws Refusal 'invalid_request' naming `publicKey`. */
function parsePublicKey(hex: string): Uint8Array {
  try {
    return secp256k1.Point.fromHex(hex).toBytes(true)
  } catch {
    const problem = 'is not a point of secp256k1'
    throw new Refusal('invalid_request', `publicKey: ${problem}`, { publicKey: problem })
  }
}

/** Documented times have no fraction. */
function wholeSecond(time: Date): Date {
  return new Date(Math.floor(time.getTime() / 1_000) * 1_000)
}
