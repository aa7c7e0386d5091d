/**
 * Ours beside the published libraries: 2 of 3, all parties in one process, CPU time divided by their number. Libraries
 * take turns, a block of runs each; a block is long beside the ticks that CPU time is counted in. Half as many runs
 * before each are not counted: they pay for what the library before has left to free, and bring the own code and tables
 * into the caches. What else the machine does falls on some turns more than on others, and on the libraries of one turn
 * alike: a ratio is the median of those within one turn.
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
  /** Their CPU time over ours: the median over the turns. */
  keygenRatio: number
  signRatio: number
}>

const peers: readonly Peer[] = [silenceLowLevel, silenceSession, zeroCarbon]

type Entry = Readonly<{ title: string; version: string; licence: string; runs: PeerRuns }>

/** `runs`: of each library and protocol that are counted. Throws when a peer cannot be fetched. */
export async function comparePeers(runs: Readonly<{ keygen: number; sign: number }>): Promise<readonly PeerRow[]> {
  const entries: Entry[] = [{ title: 'mpc-system', version: '', licence: 'Apache-2.0', runs: ownRuns() }]
  const cache = join(cacheFolder(process.env), 'bench-peers')
  for (const peer of peers) entries.push({ ...peer, runs: await peer.open(await fetchPeer(peer, cache)) })
  const keygens = await measure(entries, 'keygen', peerParties, { runs: runs.keygen, warmUp: 1 })
  const signs = await measure(entries, 'sign', peerThreshold, { runs: runs.sign, warmUp: Math.ceil(runs.sign / 2) })
  return entries.map(({ title, version, licence }, i) => ({
    title,
    version,
    licence,
    keygenCpuMs: median(keygens.cpuMs[i] ?? []),
    signCpuMs: median(signs.cpuMs[i] ?? []),
    keygenBytes: keygens.bytes[i] ?? 0,
    signBytes: signs.bytes[i] ?? 0,
    keygenRatio: ratioOf(keygens.cpuMs, i),
    signRatio: ratioOf(signs.cpuMs, i),
  }))
}

/** Of library `i` to the first one, which is ours. */
function ratioOf(cpuMs: readonly (readonly number[])[], i: number): number {
  const [own = [], theirs = []] = [cpuMs[0], cpuMs[i]]
  return median(theirs.map((ms, turn) => ms / (own[turn] ?? 0)))
}

/**
 * CPU ms per party of each library in each turn. `warmUp` runs of each library first: signing in JavaScript has its speed
 * after fifty or so.
 */
async function measure(
  entries: readonly Entry[],
  protocol: 'keygen' | 'sign',
  parties: number,
  { runs, warmUp }: Readonly<{ runs: number; warmUp: number }>,
) {
  const { blocks, runsPerBlock } = blocksOf(runs, 10)
  const samples: number[][] = entries.map(() => [])
  const bytes: number[] = []
  for (let block = -1; block < blocks; block++) {
    for (const [i, { runs: library }] of entries.entries()) {
      const run = () => (bytes[i] = Math.round(library[protocol]().bytes / parties))
      await cpuMsPerRun(run, block < 0 ? warmUp : Math.floor(runsPerBlock / 2))
      if (block >= 0) samples[i]?.push((await cpuMsPerRun(run, runsPerBlock)) / parties)
    }
  }
  return { cpuMs: samples, bytes }
}
