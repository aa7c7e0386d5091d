/**
 * A small pool of worker threads for the cryptography. A run stays in the worker it began in, so its secrets never
 * travel; only the finished share or signature comes out. A worker that dies takes its runs with it and is replaced.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Step } from '../../crypto/protocol.ts'
import {
  HostUnavailable,
  type ExecutionHost,
  type HostedRun,
  type ProtocolOutput,
  type ProtocolTask,
} from '../execution/execution-host.ts'
import type { WorkerAnswer, WorkerCall, WorkerRequest } from './worker-messages.ts'

export type WorkerHostOptions = Readonly<{
  workers?: number
  /** Runs open at once over all workers; a run has at most one step waiting, so this bounds the queues. */
  maxRuns?: number
}>

/** The network thread keeps a core where there is more than one. */
const defaultWorkers = Math.max(1, Math.min(4, availableParallelism() - 1))
const defaultMaxRuns = 128

/** TypeScript beside TypeScript, JavaScript beside built JavaScript. */
const workerUrl = new URL(`./execution-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)

export function createWorkerHost(options: WorkerHostOptions = {}): ExecutionHost {
  const { workers: size = defaultWorkers, maxRuns = defaultMaxRuns } = options
  const threads: Thread[] = []
  let nextRun = 1
  let closed = false

  const leastBusy = (): Thread => {
    const idle = threads.find((thread) => thread.runs === 0)
    if (idle !== undefined) return idle
    if (threads.length < size) {
      const thread = new Thread((dead) => threads.splice(threads.indexOf(dead), 1))
      threads.push(thread)
      return thread
    }
    return threads.reduce((least, thread) => (thread.runs < least.runs ? thread : least))
  }

  return {
    open: async (task) => {
      if (closed) throw new HostUnavailable('the host is closed')
      if (threads.reduce((sum, thread) => sum + thread.runs, 0) >= maxRuns)
        throw new HostUnavailable('the host is full')
      return openRun(leastBusy(), nextRun++, task)
    },
    close: async () => {
      closed = true
      await Promise.all([...threads].map((thread) => thread.terminate()))
    },
  }
}

async function openRun(thread: Thread, run: number, task: ProtocolTask): Promise<HostedRun> {
  thread.runs += 1
  let open = true
  const close = () => {
    if (!open) return
    open = false
    thread.runs -= 1
    thread.tell({ call: 'close', run })
  }
  try {
    await thread.ask({ call: 'open', run, task })
  } catch (error) {
    close()
    throw error
  }
  // A worker answers these two calls with a step.
  const step = (call: WorkerCall) => thread.ask(call) as Promise<Step<ProtocolOutput>>
  return {
    start: () => step({ call: 'start', run }),
    receive: (round, inbound) => step({ call: 'receive', run, round, inbound }),
    close,
  }
}

type Waiting = Readonly<{ resolve: (value: unknown) => void; reject: (error: Error) => void }>

class Thread {
  runs = 0
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 1
  #dead = false

  constructor(onDeath: (self: Thread) => void) {
    this.#worker = new Worker(workerUrl)
    this.#worker.unref()
    this.#worker.on('message', (answer: WorkerAnswer) => this.#answered(answer))
    const died = (error?: Error) => {
      if (this.#dead) return
      this.#dead = true
      onDeath(this)
      for (const { reject } of this.#waiting.values()) reject(new HostUnavailable('the worker ended', { cause: error }))
      this.#waiting.clear()
    }
    this.#worker.on('error', died)
    this.#worker.on('exit', () => died())
  }

  ask(call: WorkerCall): Promise<unknown> {
    if (this.#dead) return Promise.reject(new HostUnavailable('the worker ended'))
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#post({ id, ...call })
      this.#worker.ref() // a step under way keeps the process alive, an idle worker does not
    })
  }

  tell(call: WorkerCall): void {
    if (!this.#dead) this.#post({ id: null, ...call })
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate()
  }

  #post(request: WorkerRequest): void {
    this.#worker.postMessage(request)
  }

  #answered(answer: WorkerAnswer): void {
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if (this.#waiting.size === 0) this.#worker.unref()
    if (answer.ok) waiting?.resolve(answer.value)
    else waiting?.reject(new Error(answer.problem))
  }
}
