/** An execution host that keeps a copy of each share that is made: for measuring and for searching, never for use. */
import type { ExecutionHost } from '../src/party/execution/execution-host.ts'

/** Copies of finished shares are added to `shares`. */
export function recordingShares(host: ExecutionHost, shares: Uint8Array[]): ExecutionHost {
  return {
    open: async (task) => {
      const run = await host.open(task)
      return {
        ...run,
        receive: async (round, inbound) => {
          const step = await run.receive(round, inbound)
          if (step.kind === 'done' && step.result.protocol === 'dkls23-keygen') shares.push(step.result.share.slice())
          return step
        },
      }
    },
    close: () => host.close(),
  }
}
