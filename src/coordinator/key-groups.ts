/**
 * Finding the key that a sign session names. The group comes from the log; Postgres only leads from a public key to a
 * key id, and is waited for when it has not seen the newest events yet.
 */
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Kysely } from 'kysely'
import { Refusal } from '../edge/refusal.ts'
import type { AggregateStore } from '../events/aggregate-store.ts'
import type { EventLog } from '../events/event-log.ts'
import type { ProjectionRunner } from '../events/projection-runner.ts'
import type { KeyGroup } from './decide/command.ts'
import { keyIdOf } from './projection/queries.ts'
import type { CoordinatorDatabase } from './projection/tables.ts'
import { parsePublicKey } from './public-key.ts'
import type { SessionState } from './session-state.ts'

const projectionWaitMs = 3000

export type KeySources = Readonly<{
  log: EventLog
  store: AggregateStore<SessionState>
  database: Kysely<CoordinatorDatabase>
  projection: ProjectionRunner
}>

/** Null when the request names no key. Refuses an unknown key (404) and a key id that has another public key (400). */
export async function findKey(
  sources: KeySources,
  request: Readonly<{ keyId: string; publicKey: string }>,
): Promise<KeyGroup | null> {
  const publicKey = request.publicKey === '' ? null : parsePublicKey(request.publicKey, 'public_key')
  if (request.keyId === '' && publicKey === null) return null
  const field = request.keyId === '' ? 'public_key' : 'key_id'
  const keyId = request.keyId !== '' || publicKey === null ? request.keyId : await lookUp(sources, publicKey)
  const group = keyId === null ? null : await groupOf(sources.store, keyId)
  if (group === null) {
    throw new Refusal('not_found', 'no such key', { [field]: 'no completed key generation has made it' })
  }
  if (publicKey !== null && bytesToHex(publicKey) !== bytesToHex(group.publicKey)) {
    const details = { public_key: 'is not that of key_id' }
    throw new Refusal('invalid_request', 'key_id and public_key name different keys', details)
  }
  return group
}

async function lookUp({ log, database, projection }: KeySources, publicKey: Uint8Array): Promise<string | null> {
  const known = await keyIdOf(database, publicKey)
  if (known !== null) return known
  const end = await log.lastSequence('SESSIONS')
  if (projection.applied() < end && !(await projection.waitUntilApplied(end, projectionWaitMs))) {
    throw new Refusal('unavailable', 'the index of keys is behind; try again')
  }
  return keyIdOf(database, publicKey)
}

async function groupOf(store: AggregateStore<SessionState>, keyId: string): Promise<KeyGroup | null> {
  const { state } = await store.load(keyId)
  if (state.type !== 'keygen' || state.status !== 'completed') return null
  return {
    keyId,
    keyType: state.keyType,
    publicKey: state.publicKey,
    thresholdT: state.thresholdT,
    thresholdN: state.thresholdN,
    policy: state.policy,
    members: state.participants.map(({ partyId, deviceType, deviceId, keys }) => ({
      partyId,
      deviceType,
      deviceId,
      identityKey: keys?.identityKey ?? new Uint8Array(0),
    })),
  }
}
