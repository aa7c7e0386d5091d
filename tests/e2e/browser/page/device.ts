/** One device of this page, and the party it is. */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { approveKeygen, approveSigning } from '../../../../src/party/approval.ts'
import {
  openDeviceHost,
  type BrowserDeviceHost,
  type DeviceHostOptions,
} from '../../../../src/party/browser/device-host.ts'
import { createWorkerHost } from '../../../../src/party/browser/worker-host.ts'
import { secureRandom } from '../../../../src/party/clock.ts'
import { createParty, type Party } from '../../../../src/party/party.ts'
import type { ProgressEvent } from '../../../../src/party/progress.ts'
import type { SessionOutcome } from '../../../../src/party/session/run.ts'
import type { Approve } from '../../../../src/party/session/terms.ts'
import { createConnectTransport } from '../../../../src/party/transport/connect-transport.ts'
import { transportsTo, type Services } from './services.ts'

declare global {
  /** Exposed by tests that follow the progress of a run. */
  var tellProgress: ((event: ProgressEvent) => void) | undefined
}

type Order = Readonly<{ services: Services; joinToken: string; partyId: string }>

let opened: BrowserDeviceHost | undefined
const drawn: string[] = []

export const device = {
  /** Answers with the identity's public key. */
  async openDevice(options: DeviceHostOptions): Promise<string> {
    opened = await openDeviceHost({
      ...options,
      rng: (length) => {
        const bytes = secureRandom(length)
        drawn.push(bytesToHex(bytes))
        return bytes
      },
    })
    return bytesToHex(opened.identity.publicKey)
  },

  async closeDevice(): Promise<void> {
    await openedDevice().close()
  },

  /** What happens to a run whose worker cannot be started. */
  async runWithoutWorker(): Promise<string> {
    const host = createWorkerHost({ startWorker: () => new Worker('/no-such-program.js', { type: 'module' }) })
    const task = { protocol: 'dkls23-keygen', sid: secureRandom(32), self: 0, threshold: 2, parties: 2 } as const
    return host.open(task).then(
      () => 'opened',
      (error: Error) => error.name,
    )
  },

  /** Every random value that the store has drawn in this page. */
  drawn: (): readonly string[] => drawn,

  makeKey: (order: Order) => run(order, approveKeygen()),

  sign: ({ messageHash, ...order }: Order & Readonly<{ messageHash: string }>) =>
    run(order, approveSigning({ messageHash: hexToBytes(messageHash) })),

  /** Sessions that an earlier page left in the middle; they are failed. */
  async recover(services: Services): Promise<readonly string[]> {
    const party = partyOf(services)
    const unfinished = await party.unfinishedSessions()
    await party.recover(new AbortController().signal)
    return unfinished
  },

  async keyIds(): Promise<readonly string[]> {
    return (await openedDevice().store.shares.list({ after: '', limit: 100 })).map(({ keyId }) => keyId)
  },

  /** The share in clear, for the test to know what it must not find. */
  async shareOf(keyId: string): Promise<string> {
    const stored = await openedDevice().store.shares.get(keyId)
    if (stored === null) throw new Error(`no share of ${keyId}`)
    return bytesToHex(stored.share)
  },
}

function openedDevice(): BrowserDeviceHost {
  if (opened === undefined) throw new Error('no device is open')
  return opened
}

function partyOf(services: Services): Party {
  const { identity, store, host } = openedDevice()
  const { coordinator, router } = transportsTo(services)
  const transport = createConnectTransport(coordinator, router)
  return createParty({ identity, device: { deviceType: 'browser', deviceId: 'page' }, transport, ...store, host })
}

async function run({ services, joinToken, partyId }: Order, approve: Approve) {
  const onProgress = (event: ProgressEvent) => globalThis.tellProgress?.(event)
  return readable(await partyOf(services).run({ joinToken, partyId, approve, onProgress }))
}

type Readable<T> = T extends unknown ? { [K in keyof T]: T[K] extends Uint8Array ? string : T[K] } : never

function readable(outcome: SessionOutcome): Readable<SessionOutcome> {
  const entries = Object.entries(outcome).map(([name, value]) => {
    return [name, value instanceof Uint8Array ? bytesToHex(value) : value] as const
  })
  return Object.fromEntries(entries) as Readable<SessionOutcome> // the same names, and bytes as text
}
