/** Letting people compare whom they make a key with, while nothing is computed yet. */
import { fingerprint } from '../../identity/identity-key.ts'
import { orAborted } from '../abort.ts'
import { SessionFailure } from '../failure.ts'
import type { PinSource } from './pins.ts'
import type { Roster } from './roster.ts'
import type { PeerIdentity, Run } from './run.ts'
import type { SessionWatch } from './session-watch.ts'

/**
 * Asks, where somebody is to be asked, once all have joined. What was confirmed pins the roster.
 * @throws SessionFailure 'declined', or 'roster_incomplete' naming who joined without keys.
 */
export async function confirmIdentities({ order, signal }: Run, watch: SessionWatch): Promise<PinSource> {
  const name = 'what was confirmed'
  if (order.confirm === undefined) return { name, pins: new Map() }
  const { participants } = await orAborted(
    watch.until((session) => session.participants.every(({ status }) => status !== 'waiting')),
    signal,
  )
  const others = participants.filter(({ partyId }) => partyId !== order.partyId)
  const without = others.filter(({ keys }) => keys === null).map(({ partyId }) => partyId)
  if (without.length > 0) throw new SessionFailure('roster_incomplete', `joined without keys: ${without.join(', ')}`)
  const peers = others.flatMap(({ partyId, deviceType, deviceId, keys }): PeerIdentity[] => {
    if (keys === null) return []
    const { identityKey } = keys
    return [{ partyId, deviceType, deviceId, identityKey, fingerprint: fingerprint(identityKey) }]
  })
  const isConfirmed = await orAborted(Promise.resolve(order.confirm(peers, signal)), signal)
  if (!isConfirmed) throw new SessionFailure('declined', 'the identities of the others were not confirmed')
  return { name, pins: new Map(peers.map(({ partyId, identityKey }) => [partyId, identityKey])) }
}

export function fingerprintsOf({ entries }: Roster): Readonly<Record<string, string>> {
  return Object.fromEntries(entries.map(({ partyId, identityKey }) => [partyId, fingerprint(identityKey)]))
}
