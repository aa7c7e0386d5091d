/**
 * The sessions this party has joined and not finished. Round state is never stored, so after a crash such a session can
 * only be failed; the journal says which. An entry holds what is needed to join again under the same keys and so to be
 * allowed to report: the join token and the public keys, never the ephemeral secret.
 */
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import type { JoinRequest } from '../transport/party-transport.ts'
import type { Records } from './records.ts'
import { openRecord, sealRecord, type RecordKey } from './sealed-record.ts'

export type UnfinishedSession = Readonly<{ sessionId: string; request: JoinRequest }>

export interface SessionJournal {
  /** Durable once resolved: comes before the join. */
  open(sessionId: string, request: JoinRequest): Promise<void>
  /** The session is over for this party, or the coordinator knows that it gave up. */
  close(sessionId: string): Promise<void>
  /**
   * Sessions that an earlier process left open; records of an earlier release are sealed again. @throws StorageError
   */
  unfinished(): Promise<readonly UnfinishedSession[]>
}

/** `key`: for the journal. */
export function createSessionJournal(records: Records, key: RecordKey): SessionJournal {
  return {
    open: (sessionId, request) =>
      records.put(sessionId, sealRecord(key, sessionId, {}, utf8ToBytes(JSON.stringify(entryOf(request))))),
    close: (sessionId) => records.remove(sessionId),
    unfinished: async () => {
      const entries: UnfinishedSession[] = []
      for (const sessionId of await records.list()) {
        const bytes = await records.get(sessionId)
        if (bytes === null) continue
        const { body, outdated } = openRecord(key, sessionId, bytes)
        if (outdated) await records.put(sessionId, sealRecord(key, sessionId, {}, body))
        // Authenticated: written by `open`.
        entries.push({ sessionId, request: requestOf(JSON.parse(new TextDecoder().decode(body)) as Entry) })
      }
      return entries
    },
  }
}

type Entry = Omit<JoinRequest, 'keys'> & Readonly<{ keys: Readonly<Record<keyof JoinRequest['keys'], string>> }>

function entryOf({ keys, ...request }: JoinRequest): Entry {
  const { identityKey, ephemeralKey, nonce, signature } = keys
  const hex = {
    identityKey: bytesToHex(identityKey),
    ephemeralKey: bytesToHex(ephemeralKey),
    nonce: bytesToHex(nonce),
    signature: bytesToHex(signature),
  }
  return { ...request, keys: hex }
}

function requestOf({ keys, ...request }: Entry): JoinRequest {
  const { identityKey, ephemeralKey, nonce, signature } = keys
  const bytes = {
    identityKey: hexToBytes(identityKey),
    ephemeralKey: hexToBytes(ephemeralKey),
    nonce: hexToBytes(nonce),
    signature: hexToBytes(signature),
  }
  return { ...request, keys: bytes }
}
