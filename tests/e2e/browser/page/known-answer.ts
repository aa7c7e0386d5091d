import type { transcribe } from '../../../unit/crypto/known-answer.ts'

export function knownAnswer(): Promise<ReturnType<typeof transcribe>> {
  const worker = new Worker(new URL('./known-answer-worker.ts', import.meta.url), { type: 'module' })
  return new Promise((resolve, reject) => {
    worker.addEventListener('message', ({ data }) => resolve(data))
    worker.addEventListener('error', ({ message }) => reject(new Error(`the worker failed: ${message}`)))
  }).finally(() => worker.terminate()) as ReturnType<typeof knownAnswer> // what known-answer-worker.ts posts
}
