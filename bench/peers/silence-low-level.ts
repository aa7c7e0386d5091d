/** Silence Laboratories' published WASM build: rounds driven by the caller. */
import { randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { peerParties, peerThreshold, type Peer, type PeerRuns } from './peer.ts'

type Message = Readonly<{ from_id: number; to_id?: number; payload: Uint8Array; clone: () => Message }>
type Share = Readonly<{ toBytes: () => Uint8Array }>
type KeygenSession = Readonly<{
  createFirstMessage: () => Message
  calculateChainCodeCommitment: () => Uint8Array
  handleMessages: (messages: Message[], commitments?: Uint8Array[]) => Message[]
  keyshare: () => Share
}>
type SignSession = Readonly<{
  createFirstMessage: () => Message
  handleMessages: (messages: Message[]) => Message[]
  lastMessage: (messageHash: Uint8Array) => Message
  combine: (messages: Message[]) => unknown
}>
type Library = Readonly<{
  KeygenSession: new (participants: number, threshold: number, party: number) => KeygenSession
  SignSession: new (share: Share, path: string) => SignSession
  Keyshare: Readonly<{ fromBytes: (bytes: Uint8Array) => Share }>
}>

export const silenceLowLevel: Peer = {
  name: '@silencelaboratories/dkls-wasm-ll-node',
  version: '1.1.2',
  integrity: 'sha512-ZGnE0p/GQRIMHJzbPtSy/3deUmD340NbWrBwpU0NyqJW4EKvh9xxv5ZFnJApq1YboHxHTaz2aP03eu+ZPZShpQ==',
  title: 'Silence WASM (dkls-wasm-ll-node)',
  licence: 'SLL, non-commercial',
  open: (folder) => {
    const library = createRequire(join(folder, 'package.json'))('./dkls-wasm-ll-node.js') as Library
    return Promise.resolve(runsOf(library))
  },
}

function runsOf(library: Library): PeerRuns {
  const stored = makeKey(library).shares.map((share) => share.toBytes())
  return { keygen: () => makeKey(library), sign: () => makeSignature(library, stored) }
}

function makeKey({ KeygenSession }: Library): Readonly<{ bytes: number; shares: readonly Share[] }> {
  const parties = Array.from({ length: peerParties }, (_, id) => new KeygenSession(peerParties, peerThreshold, id))
  const first = parties.map((party) => party.createFirstMessage())
  const second = parties.flatMap((party, id) => party.handleMessages(fromOthers(first, id)))
  const commitments = parties.map((party) => party.calculateChainCodeCommitment())
  const third = parties.flatMap((party, id) => party.handleMessages(toParty(second, id)))
  const fourth = parties.flatMap((party, id) => party.handleMessages(toParty(third, id), commitments))
  const bytes = sizeOf([...first, ...second, ...third, ...fourth])
  parties.forEach((party, id) => party.handleMessages(fromOthers(fourth, id)))
  return { bytes, shares: parties.map((party) => party.keyshare()) }
}

function makeSignature({ SignSession, Keyshare }: Library, stored: readonly Uint8Array[]): Readonly<{ bytes: number }> {
  const messageHash = randomBytes(32)
  const signers = stored.slice(0, peerThreshold).map((bytes) => new SignSession(Keyshare.fromBytes(bytes), 'm'))
  const first = signers.map((signer) => signer.createFirstMessage())
  const second = signers.flatMap((signer, id) => signer.handleMessages(fromOthers(first, id)))
  const third = signers.flatMap((signer, id) => signer.handleMessages(toParty(second, id)))
  signers.forEach((signer, id) => signer.handleMessages(toParty(third, id)))
  const last = signers.map((signer) => signer.lastMessage(messageHash))
  const bytes = sizeOf([...first, ...second, ...third, ...last])
  signers.forEach((signer, id) => signer.combine(fromOthers(last, id)))
  return { bytes }
}

/** Handling a message consumes it, so each recipient gets a copy. */
function fromOthers(messages: readonly Message[], id: number): Message[] {
  return messages.filter((message) => message.from_id !== id).map((message) => message.clone())
}

function toParty(messages: readonly Message[], id: number): Message[] {
  return messages.filter((message) => message.to_id === id).map((message) => message.clone())
}

function sizeOf(messages: readonly Message[]): number {
  return messages.reduce((sum, { payload }) => sum + payload.length, 0)
}
