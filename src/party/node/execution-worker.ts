/** A worker thread's side of the pool in worker-host.ts: holds the runs given to it and takes their steps. */
import { parentPort } from 'node:worker_threads'
import type { Execution } from '../../crypto/protocol.ts'
import { secureRandom } from '../clock.ts'
import type { ProtocolOutput } from '../execution/execution-host.ts'
import { createExecutionOf } from '../execution/protocol-execution.ts'
import type { WorkerAnswer, WorkerCall, WorkerRequest } from './worker-messages.ts'

const runs = new Map<number, Execution<ProtocolOutput>>()

parentPort?.on('message', ({ id, ...call }: WorkerRequest) => {
  const answer = answerTo(id ?? 0, call)
  if (id !== null) parentPort?.postMessage(answer)
})

function answerTo(id: number, call: WorkerCall): WorkerAnswer {
  try {
    return { id, ok: true, value: perform(call) }
  } catch (error) {
    return { id, ok: false, problem: error instanceof Error ? error.message : 'unknown' }
  }
}

function perform(call: WorkerCall): unknown {
  switch (call.call) {
    case 'open':
      runs.set(call.run, createExecutionOf(call.task, secureRandom))
      if (call.task.protocol === 'dkls23-sign') call.task.share.fill(0)
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

function runOf(run: number): Execution<ProtocolOutput> {
  const execution = runs.get(run)
  if (execution === undefined) throw new Error('the run is closed')
  return execution
}
