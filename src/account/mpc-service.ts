/** mpc.account.v1.MpcService (API reference, sections 4.2 to 4.4): keygen and signing on behalf of an account. */
import type { ServiceImpl } from '@connectrpc/connect'
import { bytesToHex } from '@noble/hashes/utils.js'
import { callerKey, requireScope } from '../edge/caller.ts'
import { Refusal } from '../edge/refusal.ts'
import type { MpcService } from '../gen/mpc/account/v1/account_service_pb.ts'
import { requireAccount } from './account-service.ts'
import type { AccountStore } from './account-store.ts'
import type { CoordinatorClient } from './coordinator-client.ts'

export function mpcService(store: AccountStore, coordinator: CoordinatorClient): ServiceImpl<typeof MpcService> {
  return {
    createKeygenSession: async (request, context) => {
      const caller = requireScope(context.values.get(callerKey), 'accounts')
      const { thresholdN, thresholdT, participants, keyType, expiresInSeconds, policy } = request
      const asked = { sessionType: 'keygen', thresholdN, thresholdT, participants, keyType, expiresInSeconds }
      const session = policy === undefined ? asked : { ...asked, policy }
      const created = await coordinator.create(context, caller, session)
      const { sessionId, joinTokens, expiresAt } = created
      const made = { sessionType: 'keygen', keyType: created.keyType, status: shown(created.status) }
      return { sessionId, thresholdN, thresholdT, joinTokens, expiresAt, ...made }
    },

    createSigningSession: async (request, context) => {
      const caller = requireScope(context.values.get(callerKey), 'accounts')
      const { accountId, messageHash, message, participants, expiresInSeconds, approvals } = request
      const account = await requireAccount(store, accountId, 'account_id')
      // The coordinator finds key, type, threshold and group through the public key.
      const publicKey = bytesToHex(account.publicKey)
      const what = { messageHash, message, participants, publicKey, approvals }
      const session = { sessionType: 'sign', ...what, expiresInSeconds }
      const created = await coordinator.create(context, caller, session).catch((error: unknown) => {
        throw isUnknownKey(error) ? foreignKey() : error
      })
      const { sessionId, thresholdT, joinTokens, status, expiresAt, keyType } = created
      return {
        sessionId,
        sessionType: 'sign',
        accountId,
        messageHash,
        thresholdT,
        joinTokens,
        status: shown(status),
        expiresAt,
        keyType,
      }
    },

    getMpcSession: async ({ sessionId }, context) => {
      requireScope(context.values.get(callerKey), 'accounts')
      const session = await coordinator.run(context, (client, options) =>
        client.getSessionStatus({ sessionId }, options),
      )
      const { sessionType, keyType, status, participants, publicKey, signature, recoveryId } = session
      const completed = status === 'completed'
      return {
        sessionId: session.sessionId,
        sessionType,
        keyType,
        status: shown(status),
        completedParties: participants.filter((participant) => participant.status === 'completed').length,
        totalParties: participants.length,
        ...(completed && sessionType === 'keygen' && publicKey !== undefined && { publicKey }),
        ...(completed && signature !== undefined && { signature }),
        ...(completed && recoveryId !== undefined && { recoveryId }),
      }
    },
  }
}

/** Documented here: a session that waits for its parties is 'waiting', whether any has joined yet or not. */
function shown(status: string): string {
  return status === 'created' ? 'waiting' : status
}

/** The coordinator's refusal of a public key that no session of its own has made. */
function isUnknownKey(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'not_found' && 'public_key' in error.details
}

function foreignKey(): Refusal {
  return new Refusal('invalid_request', "this account's key was not made here, so it cannot sign here", {
    account_id: 'has a public key that was not made by a key generation session of this system',
  })
}
