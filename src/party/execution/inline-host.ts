/** Runs the cryptography on the calling thread: for tests, and for devices that have only one. */
import type { Rng } from '../../crypto/protocol.ts'
import type { ExecutionHost } from './execution-host.ts'
import { createExecutionOf } from './protocol-execution.ts'

export function createInlineHost(rng: Rng): ExecutionHost {
  return {
    open: async (task) => {
      const execution = createExecutionOf(task, rng)
      return {
        start: async () => execution.start(),
        receive: async (round, inbound) => execution.receive(round, inbound),
        close: () => execution.erase(),
      }
    },
    close: async () => {},
  }
}
