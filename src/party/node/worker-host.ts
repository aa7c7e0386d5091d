/** The pool of execution/worker-pool.ts on worker threads. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { ExecutionHost } from '../execution/execution-host.ts'
import type { WorkerAnswer } from '../execution/worker-messages.ts'
import { createWorkerPool, workersFor, type StartWorker, type WorkerPoolOptions } from '../execution/worker-pool.ts'

/** TypeScript beside TypeScript, JavaScript beside built JavaScript. */
const workerUrl = new URL(`./execution-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

export function createWorkerHost(options: WorkerPoolOptions = {}): ExecutionHost {
  return createWorkerPool(startThread, options.workers ?? workersFor(availableParallelism()), options.maxRuns)
}

const startThread: StartWorker = ({ answered, died }) => {
  const thread = new Worker(workerUrl)
  thread.unref()
  thread.on('message', (answer: WorkerAnswer) => answered(answer))
  thread.on('error', died)
  thread.on('exit', () => died())
  return {
    post: (request) => thread.postMessage(request),
    // A step under way keeps the process alive, an idle worker does not.
    owesAnswer: (owes) => (owes ? thread.ref() : thread.unref()),
    terminate: async () => {
      await thread.terminate()
    },
  }
}
