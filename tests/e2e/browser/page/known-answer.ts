import type { KnownAnswers } from './known-answer-worker.ts'

export function knownAnswer(): Promise<KnownAnswers> {
  const worker = new Worker(new URL('./known-answer-worker.ts', import.meta.url), { type: 'module' })
  return new Promise((resolve, reject) => {
    worker.addEventListener('message', ({ data }) => resolve(data))
    worker.addEventListener('error', ({ message }) => reject(new Error(`the worker failed: ${message}`)))
  }).finally(() => worker.terminate()) as Promise<KnownAnswers> // what known-answer-worker.ts posts
}
