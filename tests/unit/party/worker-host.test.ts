import { expect, onTestFinished, test } from 'vitest'
import { decodeKeyShare } from '../../../src/crypto/key-share-codec.ts'
import { HostUnavailable, type HostedRun, type ProtocolOutput } from '../../../src/party/execution/execution-host.ts'
import type { WorkerPoolOptions } from '../../../src/party/execution/worker-pool.ts'
import { createWorkerHost } from '../../../src/party/node/worker-host.ts'

const keygen = (self: number) =>
  ({ protocol: 'dkls23-keygen', sid: new Uint8Array(32).fill(1), self, threshold: 2, parties: 2 }) as const

function workerHost(options: WorkerPoolOptions = {}) {
  const host = createWorkerHost({ workers: 1, ...options })
  onTestFinished(() => host.close())
  return host
}

/** Runs two parties against each other through their hosts. */
async function finish(runs: readonly [HostedRun, HostedRun]): Promise<ProtocolOutput[]> {
  let steps = await Promise.all(runs.map((run) => run.start()))
  for (;;) {
    const [a, b] = steps
    if (a?.kind === 'done' && b?.kind === 'done') return [a.result, b.result]
    if (a?.kind !== 'next' || b?.kind !== 'next') throw new Error('aborted')
    const inbound = [b, a].map(({ outbound }, to) => {
      const body = (kind: string) => outbound.find((message) => message.kind === kind)?.body
      const [broadcast, direct] = [body('broadcast'), body('direct')]
      return [{ from: 1 - to, ...(broadcast && { broadcast }), ...(direct && { direct }) }]
    })
    steps = await Promise.all(runs.map((run, to) => run.receive(a.round, inbound[to] ?? [])))
  }
}

test('a key is made in worker threads, and its share comes out encoded', async () => {
  const host = workerHost({ workers: 2 })
  const outputs = await finish([await host.open(keygen(0)), await host.open(keygen(1))])
  const shares = outputs.map((output) =>
    output.protocol === 'dkls23-keygen' ? decodeKeyShare(output.share) : undefined,
  )
  expect(shares.map((share) => share?.index)).toEqual([0, 1])
  expect(shares[0]?.publicKey).toEqual(outputs[1]?.publicKey)
})

test('a task that does not fit is refused with what is wrong with it', async () => {
  await expect(workerHost().open({ ...keygen(0), threshold: 3 })).rejects.toThrow(
    'keygen: threshold must be 2 to parties',
  )
})

test('the number of open runs is bounded, and a closed run makes room', async () => {
  const host = workerHost({ maxRuns: 1 })
  const run = await host.open(keygen(0))
  await expect(host.open(keygen(1))).rejects.toThrow(HostUnavailable)
  run.close()
  run.close()
  await host.open(keygen(1))
  await expect(run.start()).rejects.toThrow('the run is closed')
})

test('a step that is under way when the workers end rejects', async () => {
  const host = workerHost()
  const run = await host.open(keygen(0))
  const step = run.start()
  await Promise.all([expect(step).rejects.toThrow(HostUnavailable), host.close()])
  await expect(host.open(keygen(0))).rejects.toThrow(HostUnavailable)
})

test('the event loop turns while a worker computes', async () => {
  const host = workerHost()
  const run = await host.open(keygen(0))
  let turns = 0
  const turning = setInterval(() => (turns += 1), 0)
  await run.start()
  clearInterval(turning)
  expect(turns).toBeGreaterThan(0)
})
