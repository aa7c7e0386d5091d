/** The program of a worker thread: takes requests, answers them. */
import { parentPort } from 'node:worker_threads'
import { secureRandom } from '../clock.ts'
import type { WorkerRequest } from '../execution/worker-messages.ts'
import { createWorkerRuns } from '../execution/worker-runs.ts'
import { nodeEngine } from './node-engine.ts'

const answerTo = createWorkerRuns(secureRandom, nodeEngine)

parentPort?.on('message', (request: WorkerRequest) => {
  const answer = answerTo(request)
  if (answer !== null) parentPort?.postMessage(answer)
})
