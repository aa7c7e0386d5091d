/**
 * What the protocols cost a party, without network, storage or envelopes: all parties of a run in one thread, CPU time
 * of the process divided by their number, and the bytes each one hands to its transport.
 */
import { getRandomValues, randomBytes } from 'node:crypto'
import type { Engine } from '../src/crypto/engine.ts'
import { createKeygen } from '../src/crypto/keygen/keygen.ts'
import type { KeyShare } from '../src/crypto/key-share.ts'
import { limbEngine } from '../src/crypto/limbs/engine.ts'
import type { Execution, Inbound, Outbound } from '../src/crypto/protocol.ts'
import { nobleEngine } from '../src/crypto/reference/engine.ts'
import { createSign } from '../src/crypto/sign/sign.ts'
import { nodeEngine } from '../src/party/node/node-engine.ts'
import { blocksOf, cpuMsPerRun } from './cpu-time.ts'
import { median } from './statistics.ts'

export type CryptoRow = Readonly<{
  engine: string
  protocol: 'keygen' | 'sign'
  threshold: number
  parties: number
  cpuMsPerParty: number
  bytesPerParty: number
  runs: number
}>

const sizes = [
  { threshold: 2, parties: 2 },
  { threshold: 2, parties: 3 },
  { threshold: 3, parties: 5 },
] as const

/**
 * What a party in Node runs on, what one in a browser runs on, and what tests compare both with: so slow that one
 * size has to say enough.
 */
const engines = [
  { name: 'limbs, SHA-256 of Node', engine: nodeEngine, share: 1, measured: sizes },
  { name: 'limbs', engine: limbEngine, share: 1, measured: sizes },
  { name: 'reference (BigInt)', engine: nobleEngine, share: 0.1, measured: [sizes[1]] },
] as const

const rng = (length: number) => getRandomValues(new Uint8Array(length))

type Runs = Readonly<{ keygen: number; sign: number }>

/** `runs` counted repetitions of each protocol on each engine, after some to warm up; fewer on the reference. */
export async function benchCrypto(runs: Runs): Promise<readonly CryptoRow[]> {
  const rows: CryptoRow[] = []
  for (const { name, engine, share, measured } of engines) {
    const count = (full: number) => Math.max(2, Math.round(full * share))
    const counts = { keygen: count(runs.keygen), sign: count(runs.sign) }
    for (const { threshold, parties } of measured) {
      const measurements = await benchSize(engine, threshold, parties, counts)
      rows.push(...measurements.map((row) => ({ engine: name, threshold, parties, ...row })))
    }
  }
  return rows
}

async function benchSize(engine: Engine, threshold: number, parties: number, runs: Runs) {
  const everyone = Array.from({ length: parties }, (_, i) => i)
  const keygen = () => {
    const sid = randomBytes(32)
    return runToEnd(everyone.map((self) => createKeygen({ sid, self, threshold, parties }, rng, engine)))
  }
  const shares = keygen().results
  const sign = () => runToEnd(signers(engine, shares.slice(0, threshold)))
  for (let i = 0; i < runs.keygen / 4; i++) keygen()
  for (let i = 0; i < runs.sign / 2; i++) sign()
  return [
    { protocol: 'keygen' as const, ...(await measure(keygen, parties, runs.keygen)) },
    { protocol: 'sign' as const, ...(await measure(sign, threshold, runs.sign)) },
  ]
}

function signers(engine: Engine, shares: readonly KeyShare[]) {
  const [sid, messageHash] = [randomBytes(32), randomBytes(32)]
  const indices = shares.map(({ index }) => index)
  return shares.map((share, self) => createSign({ sid, self, signers: indices, messageHash, share }, rng, engine))
}

async function measure(run: () => Readonly<{ bytes: number }>, parties: number, runs: number) {
  let bytes = 0
  const { blocks, runsPerBlock } = blocksOf(runs)
  const cpuMs: number[] = []
  for (let block = 0; block < blocks; block++) {
    cpuMs.push((await cpuMsPerRun(() => (bytes = run().bytes), runsPerBlock)) / parties)
  }
  return { cpuMsPerParty: median(cpuMs), bytesPerParty: Math.round(bytes / parties), runs: runsPerBlock * blocks }
}

/** Runs every party to its result. `bytes`: all message bodies, a broadcast counted once. */
export function runToEnd<Result>(executions: readonly Execution<Result>[]): Readonly<{ results: Result[]; bytes: number }> {
  let bytes = 0
  let steps = executions.map((execution) => execution.start())
  for (;;) {
    const results: Result[] = []
    const sent: (readonly Outbound[])[] = []
    let round = 0
    for (const step of steps) {
      if (step.kind === 'abort') throw new Error(`a benchmark run aborted: ${step.reason}`)
      if (step.kind === 'done') {
        results.push(step.result)
        continue
      }
      round = step.round
      sent.push(step.outbound)
      bytes += step.outbound.reduce((sum, { body }) => sum + body.length, 0)
    }
    if (results.length === executions.length) return { results, bytes }
    steps = executions.map((execution, to) => execution.receive(round, inboundFor(sent, to)))
  }
}

function inboundFor(sent: readonly (readonly Outbound[])[], to: number): Inbound[] {
  return sent.flatMap((outbound, from) => {
    if (from === to) return []
    const broadcast = outbound.find((message) => message.kind === 'broadcast')?.body
    const direct = outbound.find((message) => message.kind === 'direct' && message.to === to)?.body
    return [{ from, ...(broadcast && { broadcast }), ...(direct && { direct }) }]
  })
}
