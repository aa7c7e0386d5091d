/** A worker's side of the pool in worker-pool.ts: holds the runs given to it and takes their steps. */
import type { Engine } from '../../crypto/engine.ts'
import type { Execution, Rng } from '../../crypto/protocol.ts'
import type { ProtocolOutput } from './execution-host.ts'
import { createExecutionOf } from './protocol-execution.ts'
import type { WorkerAnswer, WorkerCall, WorkerRequest } from './worker-messages.ts'

/** Null where no answer is wanted. Never throws. */
export type AnswerRequest = (request: WorkerRequest) => WorkerAnswer | null

export function createWorkerRuns(rng: Rng, engine?: Engine): AnswerRequest {
  const runs = new Map<number, Execution<ProtocolOutput>>()
  const runOf = (run: number): Execution<ProtocolOutput> => {
    const execution = runs.get(run)
    if (execution === undefined) throw new Error('the run is closed')
    return execution
  }
  const perform = (call: WorkerCall): unknown => {
    switch (call.call) {
      case 'open':
        try {
          runs.set(call.run, createExecutionOf(call.task, rng, engine))
        } finally {
          if ('share' in call.task) call.task.share.fill(0)
        }
        return undefined
      case 'start':
        return runOf(call.run).start()
      case 'receive':
        return runOf(call.run).receive(call.round, call.inbound)
      case 'close':
        runs.get(call.run)?.erase()
        runs.delete(call.run)
        return undefined
      default:
        return call satisfies never
    }
  }
  return ({ id, ...call }) => {
    const answer = answerTo(id ?? 0, () => perform(call))
    return id === null ? null : answer
  }
}

function answerTo(id: number, perform: () => unknown): WorkerAnswer {
  try {
    return { id, ok: true, value: perform() }
  } catch (error) {
    return { id, ok: false, problem: error instanceof Error ? error.message : 'unknown' }
  }
}
