/** What a party is made of. Everything that touches the world outside is passed in. */
import type { Rng } from '../crypto/protocol.ts'
import type { Identity } from '../identity/identity-key.ts'
import type { Clock } from './clock.ts'
import type { ExecutionHost } from './execution/execution-host.ts'
import type { PartyLimits } from './limits.ts'
import type { PartyLog } from './party-log.ts'
import type { Rejections } from './session/rejections.ts'
import type { RunningSessions } from './session/running-sessions.ts'
import type { ApprovalLedger } from './store/approval-ledger.ts'
import type { KeyGuard } from './store/key-guard.ts'
import type { SessionJournal } from './store/session-journal.ts'
import type { ShareStore } from './store/share-store.ts'
import type { PartyTransport } from './transport/party-transport.ts'

export type Device = Readonly<{
  /** "server", "recovery", "iOS" … */
  deviceType: string
  deviceId: string
}>

export type PartyParts = Readonly<{
  identity: Identity
  device: Device
  /** The server parties that this one knows, by device id; null where it was told of none and takes any. */
  peers: ReadonlyMap<string, Uint8Array> | null
  transport: PartyTransport
  shares: ShareStore
  guard: KeyGuard
  approvals: ApprovalLedger
  journal: SessionJournal
  host: ExecutionHost
  rng: Rng
  clock: Clock
  limits: PartyLimits
  log: PartyLog
  running: RunningSessions
  rejections: Rejections
}>

/** What a party keeps: shares, what it holds against keys, which approvals it has counted, and its open sessions. */
export type PartyStore = Pick<PartyParts, 'shares' | 'guard' | 'approvals' | 'journal'>
