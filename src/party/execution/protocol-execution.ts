/** From a task to its execution, with secrets encoded where they enter and leave. */
import type { Engine } from '../../crypto/engine.ts'
import { decodeFrostKeyShare, encodeFrostKeyShare } from '../../crypto/frost/key-share-codec.ts'
import { wipeFrostKeyShare, type FrostKeyShare } from '../../crypto/frost/key-share.ts'
import { createFrostKeygen } from '../../crypto/frost/keygen.ts'
import { createFrostSign } from '../../crypto/frost/sign.ts'
import { createKeygen } from '../../crypto/keygen/keygen.ts'
import { decodeKeyShare, encodeKeyShare } from '../../crypto/key-share-codec.ts'
import { wipeKeyShare, type KeyShare } from '../../crypto/key-share.ts'
import type { Execution, Rng, Step } from '../../crypto/protocol.ts'
import { createSign } from '../../crypto/sign/sign.ts'
import type { ProtocolOutput, ProtocolTask } from './execution-host.ts'

/** `engine`: what DKLs23 computes with, for hosts that have a better one. @throws Error naming the wrong parameter. */
export function createExecutionOf(task: ProtocolTask, rng: Rng, engine?: Engine): Execution<ProtocolOutput> {
  switch (task.protocol) {
    case 'dkls23-keygen': {
      let made: KeyShare | undefined
      const encoded = (share: KeyShare): ProtocolOutput => {
        made = share
        return { protocol: task.protocol, share: encodeKeyShare(share), publicKey: share.publicKey }
      }
      return mapped(createKeygen(task, rng, engine), encoded, () => made && wipeKeyShare(made))
    }
    case 'dkls23-sign': {
      const { protocol, ...params } = task
      const share = decodeKeyShare(task.share)
      const execution = orWiped(() => wipeKeyShare(share), () => createSign({ ...params, share }, rng, engine))
      return mapped(execution, (signature) => ({ protocol, ...signature }), () => wipeKeyShare(share))
    }
    case 'frost-keygen': {
      let made: FrostKeyShare | undefined
      const encoded = (share: FrostKeyShare): ProtocolOutput => {
        made = share
        return { protocol: task.protocol, share: encodeFrostKeyShare(share), publicKey: share.publicKey }
      }
      return mapped(createFrostKeygen(task, rng), encoded, () => made && wipeFrostKeyShare(made))
    }
    case 'frost-sign': {
      const { protocol, ...params } = task
      const share = decodeFrostKeyShare(task.share)
      const execution = orWiped(() => wipeFrostKeyShare(share), () => createFrostSign({ ...params, share }, rng))
      return mapped(execution, (signature) => ({ protocol, ...signature }), () => wipeFrostKeyShare(share))
    }
    default:
      return task satisfies never
  }
}

/** A share that no run can be made with, say because OT state was erased, does not stay in memory either. */
function orWiped<T>(wipe: () => void, create: () => T): T {
  try {
    return create()
  } catch (error) {
    wipe()
    throw error
  }
}

function mapped<Result>(
  execution: Execution<Result>,
  convert: (result: Result) => ProtocolOutput,
  wipeShare: () => void,
): Execution<ProtocolOutput> {
  const step = (result: Step<Result>): Step<ProtocolOutput> =>
    result.kind === 'done' ? { kind: 'done', result: convert(result.result) } : result
  return {
    start: () => step(execution.start()),
    receive: (round, inbound) => step(execution.receive(round, inbound)),
    erase: () => {
      execution.erase()
      wipeShare()
    },
  }
}
