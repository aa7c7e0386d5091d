/**
 * A device: a party with an identity and an encrypted store of its own, which runs this project's protocols. The secret
 * side of a key stays in it.
 */
import { defaultKeyType, type KeyType } from '../crypto/key-type.ts'
import { publicKeyHex } from '../crypto/public-key.ts'
import { fingerprint } from '../identity/identity-key.ts'
import { approveKeygen, approveSigning } from '../party/approval.ts'
import type { DeviceHost } from '../party/device-host.ts'
import { createParty } from '../party/party.ts'
import { approverOf, fullPolicy, type Approver, type PolicyOptions } from './approvals.ts'
import type { Approve, Decision, KeygenTerms, SignTerms } from '../party/session/terms.ts'
import type { StoredKey } from '../party/store/share-store.ts'
import type { PartyTransport } from '../party/transport/party-transport.ts'
import { Attendance, type Agreement, type Confirmation, type PartOptions } from './attendance.ts'
import { hashBytes } from './hex.ts'
import { invalidArgument, mpcErrorOf } from './mpc-error.ts'
import { madeKey, madeSignature, type MadeKey, type MadeSignature } from './results.ts'

export type KeygenOptions<K extends KeyType> = PartOptions<KeygenTerms> &
  Readonly<{
    /** `ecdsa-secp256k1` where absent. */
    keyType?: K
    /** What the key must be; whoever opens the session chooses what is left out. */
    thresholdT?: number
    thresholdN?: number
    /** Identity keys (32 bytes) that the others must have, by party id: compared by people, not taken from services. */
    identities?: Readonly<Record<string, Uint8Array>>
    /**
     * Asked once, when all have joined and nothing is computed yet, for a person to compare fingerprints. Who is shown
     * is who the key is made with; the session goes on once all have said yes, and ends at its expiry otherwise.
     */
    confirm?: Confirmation
    /** The policy that the key must have; null: none. */
    policy?: PolicyOptions | null
  }>

/** What is signed is given or asked about: nothing is signed on the word of whoever opened the session. */
export type SignOptions<K extends KeyType> = PartOptions<SignTerms> &
  Readonly<{ /** Of the key; `ecdsa-secp256k1` where absent. */ keyType?: K; keyId?: string }> &
  (
    | (K extends 'eddsa-ed25519'
        ? Readonly<{ /** Ed25519 signs messages, not hashes. */ message: Uint8Array }>
        : Readonly<{ /** 32 bytes, or 64 hex digits. */ messageHash: Uint8Array | string }>)
    | Readonly<{ approve: Agreement<SignTerms>; message?: never; messageHash?: never }>
  )

/** The public side of a key that a device holds a share of. */
export type DeviceKey = Omit<StoredKey, 'publicKey'> & Readonly<{ /** As hex, as the API has it. */ publicKey: string }>

export type Device = Readonly<{
  deviceId: string
  /** Ed25519, 32 bytes. */
  identityKey: Uint8Array
  /** The short form of it that people compare. */
  fingerprint: string
  /** Approves signatures with the device's identity, where a key's policy names it: that of its owner, say. */
  approver: Approver
  /** False: the browser may delete the store when the disk is full. Always true in Node. */
  persisted: Promise<boolean>
  /** Takes part in making a key. Resolves when the share is stored and all parties reported the same key. */
  keygen: <K extends KeyType = 'ecdsa-secp256k1'>(options: KeygenOptions<K>) => Promise<MadeKey<K>>
  /** Takes part in signing. Resolves when the signature is verified and all parties reported it. */
  sign: <K extends KeyType = 'ecdsa-secp256k1'>(options: SignOptions<K>) => Promise<MadeSignature<K>>
  /** The keys that this device has shares of, in the order of their ids. */
  keys: (page?: Readonly<{ after?: string; limit?: number }>) => Promise<readonly DeviceKey[]>
  /** Ends what still runs and gives the store up. */
  close: () => Promise<void>
}>

export type DeviceParts = Readonly<{
  deviceId: string
  deviceType: string
  host: DeviceHost & Readonly<{ persisted?: Promise<boolean> }>
  transport: PartyTransport
}>

export function createDevice({ deviceId, deviceType, host, transport }: DeviceParts): Device {
  const { identity, store } = host
  const party = createParty({ ...store, identity, host: host.host, transport, device: { deviceId, deviceType } })
  const attendance = new Attendance(party)
  return {
    deviceId,
    identityKey: identity.publicKey,
    fingerprint: fingerprint(identity.publicKey),
    approver: approverOf(identity),
    persisted: host.persisted ?? Promise.resolve(true),
    keygen: async <K extends KeyType>(options: KeygenOptions<K>) => {
      const result = await attendance.attend(options, keygenExpectation(options), options.confirm)
      if (result.kind !== 'key-made') throw new Error('only key generation was approved')
      return madeKey(result) as MadeKey<K> // a key of another type was not approved
    },
    sign: async <K extends KeyType>(options: SignOptions<K>) => {
      const result = await attendance.attend(options, signExpectation(options))
      if (result.kind === 'key-made') throw new Error('only signing was approved')
      return madeSignature(result) as MadeSignature<K> // a key of another type was not approved
    },
    keys: async ({ after = '', limit = defaultPage } = {}) => {
      try {
        const stored = await store.shares.list({ after, limit })
        return stored.map((key) => ({ ...key, publicKey: publicKeyHex(key.publicKey) }))
      } catch (error) {
        throw mpcErrorOf(error)
      }
    },
    close: async () => {
      await attendance.end()
      await host.close()
    },
  }
}

const defaultPage = 100

function keygenExpectation(options: KeygenOptions<KeyType>): Approve {
  const { keyType = defaultKeyType, thresholdT, thresholdN, identities, policy } = options
  return approveKeygen({
    keyType,
    ...(thresholdT !== undefined && { thresholdT }),
    ...(thresholdN !== undefined && { thresholdN }),
    ...(policy !== undefined && { policy: policy === null ? null : fullPolicy(policy) }),
    ...(identities !== undefined && { identities: new Map(Object.entries(identities)) }),
  })
}

type Subject = Readonly<{ message?: Uint8Array; messageHash?: Uint8Array | string; approve?: Agreement<SignTerms> }>

function signExpectation(options: Omit<SignOptions<KeyType>, keyof Subject> & Subject): Approve {
  const { keyType = defaultKeyType, keyId, message, messageHash, approve } = options
  const key = keyId === undefined ? {} : { keyId }
  if (message !== undefined) return ofType(keyType, approveSigning({ message, ...key }))
  if (messageHash !== undefined) {
    return ofType(keyType, approveSigning({ messageHash: hashBytes(messageHash), ...key }))
  }
  if (approve === undefined) throw invalidArgument('messageHash', 'what to sign is missing, and nobody to ask')
  return ofType(keyType, async (terms) =>
    terms.kind === 'sign' && (keyId === undefined || keyId === terms.keyId)
      ? { kind: 'approve' }
      : unexpected('expected a signing session with this key'),
  )
}

function ofType(keyType: KeyType, approve: Approve): Approve {
  return async (terms, signal) =>
    terms.keyType === keyType
      ? approve(terms, signal)
      : unexpected(`expected a key of type ${keyType}, not ${terms.keyType}`)
}

function unexpected(detail: string): Decision {
  return { kind: 'decline', reason: 'terms_unexpected', detail }
}
