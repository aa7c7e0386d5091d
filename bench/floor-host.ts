/**
 * The transport floor: an execution host that sends random bytes of exactly the sizes of the real protocol and computes
 * nothing. The signature comes from an ordinary private key, so that party and coordinator find it valid and everything
 * around the cryptography runs as always. For measuring only.
 */
import { getRandomValues } from 'node:crypto'
import secp256k1 from 'secp256k1'
import { messageLength, type Schema } from '../src/crypto/codec.ts'
import type { Outbound, Step } from '../src/crypto/protocol.ts'
import { signSchemas } from '../src/crypto/sign/messages.ts'
import type { ExecutionHost, HostedRun, ProtocolOutput, SignTask } from '../src/party/execution/execution-host.ts'

/** Signing with ECDSA keys is the floor; all else is left to `real`. `privateKey` tells the key that it made. */
export function createFloorHost(real: ExecutionHost, privateKey: () => Uint8Array): ExecutionHost {
  return {
    open: async (task) => (task.protocol === 'dkls23-sign' ? floorRun(task, privateKey) : real.open(task)),
    close: () => real.close(),
  }
}

function floorRun(task: SignTask, privateKey: () => Uint8Array): HostedRun {
  const step = (index: number): Step<ProtocolOutput> => {
    const messages = signSchemas[index]
    if (messages === undefined) return { kind: 'done', result: signed(privateKey(), task.messageHash) }
    const { broadcast, direct } = messages
    const round = index + 1
    const expect = { round, broadcast: broadcast !== undefined, direct: direct !== undefined }
    return { kind: 'next', round, outbound: [...broadcasts(broadcast), ...directs(direct, task)], expect }
  }
  return { start: async () => step(0), receive: async (round) => step(round), close: () => {} }
}

function broadcasts(schema: Schema | undefined): readonly Outbound[] {
  return schema === undefined ? [] : [{ kind: 'broadcast', body: randomMessage(schema) }]
}

function directs(schema: Schema | undefined, { signers, self }: SignTask): readonly Outbound[] {
  if (schema === undefined) return []
  const peers = signers.map((_, position) => position).filter((position) => position !== self)
  return peers.map((to) => ({ kind: 'direct', to, body: randomMessage(schema) }))
}

function randomMessage(schema: Schema): Uint8Array {
  return getRandomValues(new Uint8Array(messageLength(schema)))
}

/** RFC 6979 makes every party's signature the same. */
function signed(privateKey: Uint8Array, messageHash: Uint8Array): ProtocolOutput {
  const { signature, recid } = secp256k1.ecdsaSign(messageHash, privateKey)
  const publicKey = secp256k1.publicKeyCreate(privateKey, true)
  return { protocol: 'dkls23-sign', r: signature.slice(0, 32), s: signature.slice(32), recoveryId: recid, publicKey }
}
