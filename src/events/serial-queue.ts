/** Runs jobs with the same key one after the other; jobs with different keys do not wait for each other. */
export type SerialQueue = Readonly<{ run<T>(key: string, job: () => Promise<T>): Promise<T> }>

export function createSerialQueue(): SerialQueue {
  const tails = new Map<string, Promise<unknown>>()
  return {
    run: (key, job) => {
      const result = (tails.get(key) ?? Promise.resolve()).then(job)
      const tail = result.catch(() => undefined)
      tails.set(key, tail)
      void tail.then(() => {
        if (tails.get(key) === tail) tails.delete(key)
      })
      return result
    },
  }
}
