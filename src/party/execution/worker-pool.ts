/**
 * A small pool of workers for the cryptography, whatever a worker is where we run. A run stays in the worker it began
 * in, so its secrets never travel; only the finished share or signature comes out. A worker that dies takes its runs
 * with it and is replaced.
 */
import type { Step } from '../../crypto/protocol.ts'
import {
  HostUnavailable,
  type ExecutionHost,
  type HostedRun,
  type ProtocolOutput,
  type ProtocolTask,
} from './execution-host.ts'
import type { WorkerAnswer, WorkerCall, WorkerRequest } from './worker-messages.ts'

export type WorkerPoolOptions = Readonly<{
  /** How many workers there are at most. */
  workers?: number
  /** Runs open at once over all workers; a run has at most one step waiting, so this bounds the queues. */
  maxRuns?: number
}>

const defaultMaxRuns = 128

export type WorkerEvents = Readonly<{
  answered: (answer: WorkerAnswer) => void
  /** May be told more than once. */
  died: (cause?: Error) => void
}>

export type WorkerPort = Readonly<{
  post: (request: WorkerRequest) => void
  /** Told when the worker begins to owe an answer, and when it owes none. */
  owesAnswer: (owes: boolean) => void
  terminate: () => Promise<void>
}>

export type StartWorker = (events: WorkerEvents) => WorkerPort

/** The network thread keeps a core where there is more than one. */
export function workersFor(cores: number): number {
  return Math.max(1, Math.min(4, cores - 1))
}

export function createWorkerPool(start: StartWorker, size: number, maxRuns: number = defaultMaxRuns): ExecutionHost {
  const workers: PooledWorker[] = []
  let nextRun = 1
  let closed = false

  const leastBusy = (): PooledWorker => {
    const idle = workers.find((worker) => worker.runs === 0)
    if (idle !== undefined) return idle
    if (workers.length < size) {
      const worker = new PooledWorker(start, (dead) => workers.splice(workers.indexOf(dead), 1))
      workers.push(worker)
      return worker
    }
    return workers.reduce((least, worker) => (worker.runs < least.runs ? worker : least))
  }

  return {
    open: async (task) => {
      if (closed) throw new HostUnavailable('the host is closed')
      if (workers.reduce((sum, worker) => sum + worker.runs, 0) >= maxRuns)
        throw new HostUnavailable('the host is full')
      return openRun(leastBusy(), nextRun++, task)
    },
    close: async () => {
      closed = true
      await Promise.all([...workers].map((worker) => worker.terminate()))
    },
  }
}

async function openRun(worker: PooledWorker, run: number, task: ProtocolTask): Promise<HostedRun> {
  worker.runs += 1
  let open = true
  const close = () => {
    if (!open) return
    open = false
    worker.runs -= 1
    worker.tell({ call: 'close', run })
  }
  try {
    await worker.ask({ call: 'open', run, task })
  } catch (error) {
    close()
    throw error
  }
  // A worker answers these two calls with a step.
  const step = (call: WorkerCall) => worker.ask(call) as Promise<Step<ProtocolOutput>>
  return {
    start: () => step({ call: 'start', run }),
    receive: (round, inbound) => step({ call: 'receive', run, round, inbound }),
    close,
  }
}

type Waiting = Readonly<{ resolve: (value: unknown) => void; reject: (error: Error) => void }>

class PooledWorker {
  runs = 0
  readonly #port: WorkerPort
  readonly #onDeath: (self: PooledWorker) => void
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 1
  #dead = false

  constructor(start: StartWorker, onDeath: (self: PooledWorker) => void) {
    this.#onDeath = onDeath
    this.#port = start({ answered: (answer) => this.#answered(answer), died: (cause) => this.#died(cause) })
  }

  ask(call: WorkerCall): Promise<unknown> {
    if (this.#dead) return Promise.reject(new HostUnavailable('the worker ended'))
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#port.post({ id, ...call })
      this.#port.owesAnswer(true)
    })
  }

  tell(call: WorkerCall): void {
    if (!this.#dead) this.#port.post({ id: null, ...call })
  }

  async terminate(): Promise<void> {
    this.#died()
    await this.#port.terminate()
  }

  #answered(answer: WorkerAnswer): void {
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if (this.#waiting.size === 0) this.#port.owesAnswer(false)
    if (answer.ok) waiting?.resolve(answer.value)
    else waiting?.reject(new Error(answer.problem))
  }

  #died(cause?: Error): void {
    if (this.#dead) return
    this.#dead = true
    this.#onDeath(this)
    for (const { reject } of this.#waiting.values()) reject(new HostUnavailable('the worker ended', { cause }))
    this.#waiting.clear()
  }
}
