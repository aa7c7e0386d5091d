/**
 * Which identity key each party of a session must have, and who says so. Device ids and types are labels that the
 * coordinator shows: nobody signs them. What binds a party is its identity key, so a label is only ever checked against
 * identities that this party knows by itself. Refusals name the parties in their text and blame nobody: what does not
 * fit may be the coordinator's doing.
 */
import { equalBytes } from '../../crypto/bytes.ts'
import { SessionFailure } from '../failure.ts'
import type { StoredKey } from '../store/share-store.ts'
import type { Run } from './run.ts'
import type { SessionSnapshot } from '../transport/party-transport.ts'

/** Identity keys, by party id. */
export type Pins = ReadonlyMap<string, Uint8Array>

/** By device id: the server parties that this one was configured with. */
type Peers = ReadonlyMap<string, Uint8Array>

export type PinSource = Readonly<{ name: string; pins: Pins }>

/**
 * All that is known of the parties of a session without asking the owner, own knowledge first. `key`: null unless a
 * stored key is used. @throws SessionFailure 'server_party_unknown'
 */
export function knownPins({ parts, order }: Run, shown: SessionSnapshot, key: StoredKey | null): readonly PinSource[] {
  const { peers, identity } = parts
  return [
    { name: 'the stored key', pins: new Map(key?.members.map((member) => [member.partyId, member.identityKey])) },
    { name: 'this party itself', pins: new Map([[order.partyId, identity.publicKey]]) },
    { name: 'its configuration', pins: pinnedPeers(shown, peers) },
    { name: "the session's creator", pins: shownPins(shown) },
  ]
}

/** All pins as one. @throws SessionFailure 'identity_pins_contradict' naming the parties that two sources differ on. */
export function agreedPins(sources: readonly PinSource[]): Pins {
  const agreed = new Map<string, Readonly<{ source: string; identityKey: Uint8Array }>>()
  const contradictions = new Map<string, string>()
  for (const { name, pins } of sources) {
    for (const [partyId, identityKey] of pins) {
      const before = agreed.get(partyId)
      if (before === undefined) agreed.set(partyId, { source: name, identityKey })
      else if (!equalBytes(before.identityKey, identityKey)) {
        contradictions.set(partyId, `${partyId} (${before.source} against ${name})`)
      }
    }
  }
  if (contradictions.size > 0) {
    const detail = `different identities are expected of ${[...contradictions.values()].join(', ')}`
    throw new SessionFailure('identity_pins_contradict', detail)
  }
  return new Map([...agreed].map(([partyId, { identityKey }]) => [partyId, identityKey]))
}

/** @throws SessionFailure 'server_party_unknown' naming the server parties that are in no configuration. */
function pinnedPeers({ participants }: SessionSnapshot, peers: Peers | null): Pins {
  if (peers === null) return new Map()
  const servers = participants.filter(({ deviceType }) => deviceType === 'server')
  const unknown = servers.filter(({ deviceId }) => !peers.has(deviceId)).map(({ partyId }) => partyId)
  if (unknown.length > 0) {
    const problem = 'a server party that this one was not configured with'
    throw new SessionFailure('server_party_unknown', `${problem}: ${unknown.join(', ')}`)
  }
  return new Map(servers.flatMap(({ partyId, deviceId }) => pin(partyId, peers.get(deviceId))))
}

/** What the session's creator fixed, as the coordinator tells it. */
function shownPins({ participants }: SessionSnapshot): Pins {
  return new Map(participants.flatMap(({ partyId, identityKey }) => pin(partyId, identityKey ?? undefined)))
}

/** A server party that is known takes part as itself. @throws SessionFailure naming who is shown otherwise. */
export function requireOwnDevices({ participants }: SessionSnapshot, peers: Peers | null): void {
  const deviceOf = (identityKey: Uint8Array) =>
    [...(peers ?? [])].find(([, known]) => equalBytes(known, identityKey))?.[0]
  const disguised = participants.filter(({ keys, deviceType, deviceId }) => {
    const device = keys === null ? undefined : deviceOf(keys.identityKey)
    return device !== undefined && (deviceType !== 'server' || deviceId !== device)
  })
  if (disguised.length === 0) return
  const named = disguised.map(({ partyId }) => partyId)
  const problem = 'the identity of a known server party under another device'
  throw new SessionFailure('roster_identity_unexpected', `${problem}: ${named.join(', ')}`)
}

function pin(partyId: string, identityKey: Uint8Array | undefined): (readonly [string, Uint8Array])[] {
  return identityKey === undefined ? [] : [[partyId, identityKey]]
}
