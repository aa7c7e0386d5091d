/** The client as a whole: what is the same in Node and in browsers. */
import { orAborted } from '../party/abort.ts'
import type { DeviceHost } from '../party/device-host.ts'
import { createConnectTransport } from '../party/transport/connect-transport.ts'
import { createAccounts, type Accounts } from './accounts.ts'
import { Calls, neverAborted, type CallOptions } from './calls.ts'
import { createDevice, type Device } from './device.ts'
import type { DeviceOptions } from './device-options.ts'
import { invalidArgument, mpcErrorOf } from './mpc-error.ts'
import { joinSession, type JoinRequest, type Party } from './own-protocol.ts'
import { createSessions, type Sessions } from './sessions.ts'
import { createTransport, type TransportOptions } from './transports.ts'

/** URLs are those of the services' HTTP ports. */
export type MpcOptions = TransportOptions &
  Readonly<{
    coordinatorUrl: string
    routerUrl: string
    /** Needed for `accounts` only. */
    accountUrl?: string
    /** One attempt of a call; 10 s where absent. */
    timeoutMs?: number
    /** How long a call is repeated while a service is away; 10 s where absent, 0: not at all. */
    retryForMs?: number
  }>

export type Mpc = Readonly<{
  sessions: Sessions
  accounts: Accounts
  /** Joins as a party that brings a protocol of its own. */
  join: (request: JoinRequest, options?: CallOptions) => Promise<Party>
  /** Opens this machine's, or this page's, device. Close it at the end. */
  openDevice: (device: DeviceOptions, options?: CallOptions) => Promise<Device>
}>

/** @throws StorageError, or MpcError for options of another environment. */
export type OpenDeviceHost = (
  options: DeviceOptions,
) => Promise<DeviceHost & Readonly<{ persisted?: Promise<boolean> }>>

export function createMpc(options: MpcOptions, openHost: OpenDeviceHost): Mpc {
  const { coordinatorUrl, routerUrl, accountUrl, timeoutMs = 10_000, retryForMs = 10_000 } = options
  const retry = { firstDelayMs: 100, maxDelayMs: 2_000, giveUpAfterMs: retryForMs }
  const calls = new Calls({ timeoutMs, retry })
  const coordinator = createTransport('coordinatorUrl', coordinatorUrl, options)
  const router = createTransport('routerUrl', routerUrl, options)
  const account = accountUrl === undefined ? null : createTransport('accountUrl', accountUrl, options)
  const accounts = account === null ? null : createAccounts(account, calls)
  return {
    sessions: createSessions(coordinator, calls),
    get accounts() {
      if (accounts === null) throw invalidArgument('accountUrl', 'accounts need the URL of the account service')
      return accounts
    },
    join: (request, callOptions) => joinSession({ coordinator, router }, calls, request, callOptions),
    openDevice: async (device, { signal = neverAborted } = {}) => {
      const { deviceId, deviceType } = device
      const opening = openHost(device)
      try {
        const host = await orAborted(opening, signal)
        return createDevice({ deviceId, deviceType, host, transport: createConnectTransport(coordinator, router) })
      } catch (error) {
        // A store that opens too late is given up again.
        opening.then(
          (late) => late.close(),
          () => undefined,
        )
        throw signal.aborted ? signal.reason : mpcErrorOf(error)
      }
    },
  }
}
