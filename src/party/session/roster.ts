/**
 * The roster: who takes part, with which keys and nonces, as the coordinator shows it once the session has started.
 * Each party checks every entry itself, because whoever could exchange a key here would read and speak for that party.
 */
import { equalBytes } from '../../crypto/bytes.ts'
import { rosterHash, type RosterEntry } from '../../crypto/session-id.ts'
import { SessionFailure } from '../failure.ts'
import { verifyIdentity } from '../../identity/identity-key.ts'
import { joinStatement } from '../../identity/statement.ts'
import type { JoinKeys, SessionSnapshot } from '../transport/party-transport.ts'

export type Roster = Readonly<{
  entries: readonly RosterEntry[]
  /** 32 bytes. */
  hash: Uint8Array
  /** Own position. */
  self: number
}>

export type OwnEntry = Readonly<{ partyId: string; index: number; keys: JoinKeys }>

type SignedEntry = RosterEntry & Readonly<{ signature: Uint8Array }>

/**
 * `pinned`: the identity keys that parties must have, by party id. @throws SessionFailure whose text names check and
 * parties.
 */
export async function checkRoster(
  snapshot: SessionSnapshot,
  own: OwnEntry,
  pinned: ReadonlyMap<string, Uint8Array>,
): Promise<Roster> {
  const entries = completeEntries(snapshot)
  requireOwnEntry(entries, own)
  requireDistinctKeys(entries)
  const unexpected = entries.filter(({ partyId, identityKey }) => {
    const expected = pinned.get(partyId)
    return expected !== undefined && !equalBytes(expected, identityKey)
  })
  refuse(unexpected, 'roster_identity_unexpected', 'another identity key than the known one')
  const verdicts = await Promise.all(
    entries.map((entry) =>
      verifyIdentity(entry.identityKey, joinStatement({ sessionId: snapshot.sessionId, ...entry }), entry.signature),
    ),
  )
  refuse(
    entries.filter((_, position) => verdicts[position] !== true),
    'roster_signature_invalid',
    'the join is not signed',
  )
  const hash = rosterHash(entries)
  if (snapshot.rosterHash === null || !equalBytes(snapshot.rosterHash, hash)) {
    throw new SessionFailure('roster_hash_mismatch', 'the coordinator started the session with another roster')
  }
  return { entries, hash, self: own.index }
}

function completeEntries({ participants }: SessionSnapshot): readonly SignedEntry[] {
  const isComplete = (keys: JoinKeys | null): keys is JoinKeys =>
    keys !== null && [keys.identityKey, keys.ephemeralKey, keys.nonce].every((part) => part.length === 32)
  const incomplete = participants.filter(({ keys }) => !isComplete(keys))
  refuse(incomplete, 'roster_incomplete', 'joined without keys')
  return participants.flatMap(({ partyId, keys }, index) => (isComplete(keys) ? [{ index, partyId, ...keys }] : []))
}

function requireOwnEntry(entries: readonly SignedEntry[], own: OwnEntry): void {
  const entry = entries[own.index]
  const unchanged =
    entry !== undefined &&
    entry.partyId === own.partyId &&
    (['identityKey', 'ephemeralKey', 'nonce', 'signature'] as const).every((part) =>
      equalBytes(entry[part], own.keys[part]),
    )
  if (!unchanged)
    throw new SessionFailure('roster_own_entry_changed', 'the roster does not hold what this party joined with')
}

/** Two entries with one key would be one party counted twice, or a copy of another party's contribution. */
function requireDistinctKeys(entries: readonly SignedEntry[]): void {
  for (const part of ['identityKey', 'ephemeralKey', 'nonce'] as const) {
    const repeated = entries.filter((entry) =>
      entries.some((other) => other.index !== entry.index && equalBytes(other[part], entry[part])),
    )
    refuse(repeated, 'roster_key_repeated', `the same ${part}`)
  }
}

/** Names whose entries are wrong and blames nobody: the roster comes from the coordinator, who can have changed it. */
function refuse(
  entries: readonly Readonly<{ partyId: string }>[],
  reason: ConstructorParameters<typeof SessionFailure>[0],
  problem: string,
): void {
  if (entries.length === 0) return
  const named = entries.map(({ partyId }) => partyId)
  throw new SessionFailure(reason, `${problem}: ${named.join(', ')}`)
}
