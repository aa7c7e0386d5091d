/** From a task to its execution, with secrets encoded where they enter and leave. */
import { createKeygen } from '../../crypto/keygen/keygen.ts'
import { decodeKeyShare, encodeKeyShare } from '../../crypto/key-share-codec.ts'
import { wipeKeyShare, type KeyShare } from '../../crypto/key-share.ts'
import type { Execution, Rng, Step } from '../../crypto/protocol.ts'
import { createSign } from '../../crypto/sign/sign.ts'
import type { ProtocolOutput, ProtocolTask } from './execution-host.ts'

/** @throws Error naming the parameter that does not fit. */
export function createExecutionOf(task: ProtocolTask, rng: Rng): Execution<ProtocolOutput> {
  switch (task.protocol) {
    case 'dkls23-keygen': {
      let made: KeyShare | undefined
      const encoded = (share: KeyShare): ProtocolOutput => {
        made = share
        return { protocol: task.protocol, share: encodeKeyShare(share), publicKey: share.publicKey }
      }
      return mapped(createKeygen(task, rng), encoded, () => made && wipeKeyShare(made))
    }
    case 'dkls23-sign': {
      const { protocol, ...params } = task
      const share = decodeKeyShare(task.share)
      const execution = createSign({ ...params, share }, rng)
      return mapped(execution, (signature) => ({ protocol, ...signature }), () => wipeKeyShare(share))
    }
    default:
      return task satisfies never
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
