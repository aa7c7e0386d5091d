/**
 * A person's device as a party on this machine: its own identity and key-encryption key, its own folder of encrypted
 * shares, its cryptography in worker threads. It reaches the others only through coordinator and router.
 */
import { randomBytes } from 'node:crypto'
import { connectService } from '../edge/service-client.ts'
import { fingerprint } from '../identity/identity-key.ts'
import type { ExecutionHost } from '../party/execution/execution-host.ts'
import { openDeviceHost } from '../party/node/device-host.ts'
import { createParty, type Party, type PartyOptions } from '../party/party.ts'
import type { Device as DeviceName } from '../party/party-parts.ts'
import { createConnectTransport } from '../party/transport/connect-transport.ts'

export type DeviceOptions = DeviceName &
  Readonly<{
    /** Holds the shares; made if absent. */
    folder: string
    /** gRPC URLs. */
    coordinatorUrl: string
    routerUrl: string
    /** Where its protocols run. Stays open when the device is closed. */
    host: ExecutionHost
  }> &
  Partial<Pick<PartyOptions, 'limits' | 'log'>>

export type Device = Readonly<{
  party: Party
  /** Ed25519, 32 bytes. */
  identityKey: Uint8Array
  /** The short form of it that people compare. */
  fingerprint: string
  close: () => void
}>

/** A device with a fresh identity. Its keys live as long as this process; its shares cannot be opened without them. */
export async function openDevice(options: DeviceOptions): Promise<Device> {
  const { folder, deviceType, deviceId, coordinatorUrl, routerUrl, host, limits, log } = options
  const kept = { deviceId, folder, identitySeed: randomBytes(32), kek: randomBytes(32), host }
  const { identity, store } = await openDeviceHost(kept)
  const coordinator = connectService(coordinatorUrl)
  const router = connectService(routerUrl)
  const party = createParty({
    identity,
    device: { deviceType, deviceId },
    transport: createConnectTransport(coordinator.transport, router.transport),
    ...store,
    host,
    ...(limits && { limits }),
    ...(log && { log }),
  })
  return {
    party,
    identityKey: identity.publicKey,
    fingerprint: fingerprint(identity.publicKey),
    close: () => {
      coordinator.close()
      router.close()
    },
  }
}
