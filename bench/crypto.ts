/**
 * What the protocols cost a party, without network, storage or envelopes: all parties of a run in one thread, CPU time
 * of the process divided by their number, and the bytes each one hands to its transport.
 */
import { getRandomValues, randomBytes } from 'node:crypto'
import { createKeygen } from '../src/crypto/keygen/keygen.ts'
import type { KeyShare } from '../src/crypto/key-share.ts'
import type { Execution, Inbound, Outbound } from '../src/crypto/protocol.ts'
import { createSign } from '../src/crypto/sign/sign.ts'
import { median } from './statistics.ts'

export type CryptoRow = Readonly<{
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

const rng = (length: number) => getRandomValues(new Uint8Array(length))

/** `runs` counted repetitions of each protocol after one warm-up round of each. */
export function benchCrypto(runs: Readonly<{ keygen: number; sign: number }>): readonly CryptoRow[] {
  return sizes.flatMap(({ threshold, parties }) => {
    const everyone = Array.from({ length: parties }, (_, i) => i)
    const keygen = () => {
      const sid = randomBytes(32)
      return runToEnd(everyone.map((self) => createKeygen({ sid, self, threshold, parties }, rng)))
    }
    const shares = keygen().results
    const sign = () => runToEnd(signers(shares.slice(0, threshold)))
    for (let i = 0; i < 5; i++) sign()
    return [
      { protocol: 'keygen' as const, threshold, parties, ...measure(keygen, parties, runs.keygen) },
      { protocol: 'sign' as const, threshold, parties, ...measure(sign, threshold, runs.sign) },
    ]
  })
}

function signers(shares: readonly KeyShare[]) {
  const [sid, messageHash] = [randomBytes(32), randomBytes(32)]
  const indices = shares.map(({ index }) => index)
  return shares.map((share, self) => createSign({ sid, self, signers: indices, messageHash, share }, rng))
}

function measure(run: () => Readonly<{ bytes: number }>, parties: number, runs: number) {
  const cpuMs: number[] = []
  let bytes = 0
  for (let i = 0; i < runs; i++) {
    const before = process.cpuUsage()
    bytes = run().bytes
    const { user, system } = process.cpuUsage(before)
    cpuMs.push((user + system) / 1000 / parties)
  }
  return { cpuMsPerParty: median(cpuMs), bytesPerParty: Math.round(bytes / parties), runs }
}

/** Runs every party to its result. `bytes`: all message bodies, a broadcast counted once. */
function runToEnd<Result>(executions: readonly Execution<Result>[]): Readonly<{ results: Result[]; bytes: number }> {
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
