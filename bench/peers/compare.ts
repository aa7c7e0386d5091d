/**
 * Ours beside the published libraries: 2 of 3, all parties in one process, CPU time divided by their number. Libraries
 * take turns, a block of runs each, so that whatever else the machine does falls on all of them alike; a block is long
 * beside the ticks that CPU time is counted in, and a library finds its own code and tables in the processor's caches.
 */
import { join } from 'node:path'
import { cacheFolder } from '../../src/cli/cache-folder.ts'
import { blocksOf, cpuMsPerRun } from '../cpu-time.ts'
import { median } from '../statistics.ts'
import { fetchPeer } from './fetch-peer.ts'
import { ownRuns } from './own.ts'
import { peerParties, peerThreshold, type Peer, type PeerRuns } from './peer.ts'
import { silenceLowLevel } from './silence-low-level.ts'
import { silenceSession } from './silence-session.ts'
import { zeroCarbon } from './zero-carbon.ts'

export type PeerRow = Readonly<{
  title: string
  version: string
  licence: string
  keygenCpuMs: number
  signCpuMs: number
  keygenBytes: number
  signBytes: number
  /** Their CPU time over ours, in this run. */
  keygenRatio: number
  signRatio: number
}>

const peers: readonly Peer[] = [silenceLowLevel, silenceSession, zeroCarbon]

type Entry = Readonly<{ title: string; version: string; licence: string; runs: PeerRuns }>

/** `runs`: of each library and protocol, after a block of them to warm up. Throws when a peer cannot be fetched. */
export async function comparePeers(runs: Readonly<{ keygen: number; sign: number }>): Promise<readonly PeerRow[]> {
  const entries: Entry[] = [{ title: 'mpc-system', version: '', licence: 'Apache-2.0', runs: ownRuns() }]
  const cache = join(cacheFolder(process.env), 'bench-peers')
  for (const peer of peers) entries.push({ ...peer, runs: await peer.open(await fetchPeer(peer, cache)) })
  const keygens = await measure(entries, 'keygen', peerParties, runs.keygen)
  const signs = await measure(entries, 'sign', peerThreshold, runs.sign)
  const [own] = entries.map((_, i) => ({ keygen: keygens.cpuMs[i] ?? 0, sign: signs.cpuMs[i] ?? 0 }))
  return entries.map(({ title, version, licence }, i) => ({
    title,
    version,
    licence,
    keygenCpuMs: keygens.cpuMs[i] ?? 0,
    signCpuMs: signs.cpuMs[i] ?? 0,
    keygenBytes: keygens.bytes[i] ?? 0,
    signBytes: signs.bytes[i] ?? 0,
    keygenRatio: (keygens.cpuMs[i] ?? 0) / (own?.keygen ?? 0),
    signRatio: (signs.cpuMs[i] ?? 0) / (own?.sign ?? 0),
  }))
}

async function measure(entries: readonly Entry[], protocol: 'keygen' | 'sign', parties: number, runs: number) {
  const { blocks, runsPerBlock } = blocksOf(runs)
  const samples: number[][] = entries.map(() => [])
  const bytes: number[] = []
  for (let block = -1; block < blocks; block++) {
    for (const [i, { runs: library }] of entries.entries()) {
      const run = () => (bytes[i] = Math.round(library[protocol]().bytes / parties))
      const cpuMs = await cpuMsPerRun(run, runsPerBlock)
      if (block >= 0) samples[i]?.push(cpuMs / parties)
    }
  }
  return { cpuMs: samples.map((sample) => median(sample)), bytes }
}
