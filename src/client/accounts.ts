/** Accounts, and key generation and signing on their behalf. */
import { timestampMs } from '@bufbuild/protobuf/wkt'
import { createClient, type Transport } from '@connectrpc/connect'
import type { KeyType } from '../crypto/key-type.ts'
import type { Approval } from '../policy/approval.ts'
import { AccountService, MpcService, type GetMpcSessionResponse } from '../gen/mpc/account/v1/account_service_pb.ts'
import type { SessionStatus } from '../party/transport/party-transport.ts'
import { statusOf } from '../party/transport/snapshot.ts'
import type { CallOptions, Calls, CreateOptions } from './calls.ts'
import { approvalMessages, policyBody, type PolicyOptions } from './approvals.ts'
import { invitees, openedSession, type Invitation, type OpenedSession } from './sessions.ts'
import { toSign, type ToSign } from './to-sign.ts'

export type NewAccount = Readonly<{ username: string; email?: string; phone?: string; publicKey: string }>

export type Account = Readonly<{
  id: string
  username: string
  email: string
  phone: string
  publicKey: string
  status: string
  createdAtMs: number
}>

export type KeygenRequest<Id extends string = string> = Invitation<Id> &
  Readonly<{
    /** Signers that suffice. */
    thresholdT: number
    thresholdN: number
    /** `ecdsa-secp256k1` where absent. */
    keyType?: KeyType
    /** What the key may sign and who must approve it, for ever; where absent, each party decides by itself. */
    policy?: PolicyOptions
  }>

export type SigningRequest<Id extends string = string> = Invitation<Id> &
  Readonly<{ accountId: string; /** With a key that has a policy. */ approvals?: readonly Approval[] }> &
  ToSign

export type AccountSession = Readonly<{
  sessionId: string
  sessionType: string
  keyType: string
  status: SessionStatus
  completedParties: number
  totalParties: number
  /** Once a key was made, as hex. */
  publicKey: string | null
  /** Once signed: 64 bytes as hex. */
  signature: string | null
  /** ECDSA only. */
  recoveryId: number | null
}>

export type Accounts = Readonly<{
  create: (account: NewAccount, options?: CreateOptions) => Promise<Omit<Account, 'phone' | 'publicKey'>>
  get: (id: string, options?: CallOptions) => Promise<Account>
  /** Not repeated by itself: a second deletion is refused with `not_found`. */
  delete: (id: string, options?: CallOptions) => Promise<void>
  createKeygenSession: <const Id extends string>(
    request: KeygenRequest<Id>,
    options?: CreateOptions,
  ) => Promise<OpenedSession<Id>>
  /** The key is the account's. */
  createSigningSession: <const Id extends string>(
    request: SigningRequest<Id>,
    options?: CreateOptions,
  ) => Promise<OpenedSession<Id>>
  session: (sessionId: string, options?: CallOptions) => Promise<AccountSession>
}>

export function createAccounts(transport: Transport, calls: Calls): Accounts {
  const accounts = createClient(AccountService, transport)
  const mpc = createClient(MpcService, transport)
  return {
    create: async (account, options = {}) => {
      const made = await calls.create(options, (call) => accounts.createAccount(account, call))
      const { id, username, email, status, createdAt } = made
      return { id, username, email, status, createdAtMs: createdAt === undefined ? 0 : timestampMs(createdAt) }
    },
    get: async (id, options = {}) => {
      const found = await calls.repeat(options, (call) => accounts.getAccount({ id }, call))
      const { username, email, phone, publicKey, status, createdAt } = found
      const createdAtMs = createdAt === undefined ? 0 : timestampMs(createdAt)
      return { id: found.id, username, email, phone, publicKey, status, createdAtMs }
    },
    delete: async (id, options = {}) => {
      await calls.once(options, (call) => accounts.deleteAccount({ id }, call))
    },
    createKeygenSession: async (request, options = {}) => {
      const { policy, ...asked } = request
      const body = { ...asked, participants: invitees(request.participants), ...policyBody(policy) }
      return calls.create(options, async (call) => openedSession(await mpc.createKeygenSession(body, call)))
    },
    createSigningSession: async (request, options = {}) => {
      const approvals = approvalMessages(request.approvals)
      const body = { ...request, ...toSign(request), participants: invitees(request.participants), approvals }
      return calls.create(options, async (call) => openedSession(await mpc.createSigningSession(body, call)))
    },
    session: (sessionId, options = {}) =>
      calls.repeat(options, async (call) => accountSession(await mpc.getMpcSession({ sessionId }, call))),
  }
}

function accountSession(session: GetMpcSessionResponse): AccountSession {
  const { sessionId, sessionType, keyType, completedParties, totalParties } = session
  return {
    sessionId,
    sessionType,
    keyType,
    status: statusOf(session.status),
    completedParties,
    totalParties,
    publicKey: session.publicKey ?? null,
    signature: session.signature ?? null,
    recoveryId: session.recoveryId ?? null,
  }
}
