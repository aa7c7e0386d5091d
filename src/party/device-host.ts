/**
 * What a device brings of its own: an identity, a place for its secrets, and somewhere to compute. With a transport
 * this makes a party (party.ts). Node opens one on a folder (node/device-host.ts), a browser on a database
 * (browser/device-host.ts).
 */
import type { Identity } from '../identity/identity-key.ts'
import type { ExecutionHost } from './execution/execution-host.ts'
import type { PartyStore } from './party-parts.ts'

export type DeviceHost = Readonly<{
  /** Lasts as long as the store: keys are made with it, and open sessions to no other. */
  identity: Identity
  store: PartyStore
  /** Off the thread that talks to the network. */
  host: ExecutionHost
  /** Ends what still runs and gives the store up to whoever opens it next. May be called twice. */
  close: () => Promise<void>
}>
