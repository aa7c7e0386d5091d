/** The pool of execution/worker-pool.ts on Web Workers. */
import type { ExecutionHost } from '../execution/execution-host.ts'
import type { WorkerAnswer } from '../execution/worker-messages.ts'
import { createWorkerPool, workersFor, type StartWorker, type WorkerPoolOptions } from '../execution/worker-pool.ts'

export type WebWorkerHostOptions = WorkerPoolOptions &
  Readonly<{
    /** Starts execution-worker, where the bundler does not understand `new Worker(new URL(…))`. */
    startWorker?: () => Worker
  }>

export function createWorkerHost(options: WebWorkerHostOptions = {}): ExecutionHost {
  const { workers = workersFor(navigator.hardwareConcurrency), maxRuns, startWorker = startExecutionWorker } = options
  return createWorkerPool((events) => attach(startWorker(), events), workers, maxRuns)
}

/** Written so that bundlers find the worker's program and bundle it too. */
function startExecutionWorker(): Worker {
  return new Worker(new URL('./execution-worker.js', import.meta.url), { type: 'module' })
}

const attach = (worker: Worker, { answered, died }: Parameters<StartWorker>[0]): ReturnType<StartWorker> => {
  worker.addEventListener('message', ({ data }: MessageEvent<WorkerAnswer>) => answered(data))
  // A program that cannot be loaded, or one that threw outside of any request.
  worker.addEventListener('error', ({ message }) => {
    worker.terminate()
    died(new Error(message))
  })
  worker.addEventListener('messageerror', () => {
    worker.terminate()
    died(new Error('a message of the worker could not be read'))
  })
  return {
    post: (request) => worker.postMessage(request),
    owesAnswer: () => {}, // a page lives as long as it is open
    terminate: async () => worker.terminate(),
  }
}
