/** The program of a Web Worker: takes requests, answers them. */
import { secureRandom } from '../clock.ts'
import type { WorkerRequest } from '../execution/worker-messages.ts'
import { createWorkerRuns } from '../execution/worker-runs.ts'

const answerTo = createWorkerRuns(secureRandom)

addEventListener('message', ({ data }: MessageEvent<WorkerRequest>) => {
  const answer = answerTo(data)
  if (answer !== null) postMessage(answer)
})
