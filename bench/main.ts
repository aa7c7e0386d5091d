/** `npm run bench`: what the protocols cost and how fast whole sessions are, beside the transport floor, in one run. */
import { cpus, totalmem, type } from 'node:os'
import { parseArgs } from 'node:util'
import { benchCrypto, type CryptoRow } from './crypto.ts'
import { comparePeers, type PeerRow } from './peers/compare.ts'
import { benchSystem, type SystemRow } from './system.ts'
import { benchTiming, type TimingRow } from './timing.ts'

const help = `npm run bench [-- --json] [-- --quick] [-- --no-peers] [-- --peers | --timing]

  --json      one JSON object on standard output
  --quick     a tenth of the repetitions: to see that it runs, not to quote
  --peers     only: ours beside published libraries, which are fetched from npm for this and kept apart
  --no-peers  everything but those: nothing is fetched
  --timing    only: whether the time of secret arithmetic depends on operands, beside BigInt's`

const values = readOptions()

const share = values.quick === true ? 0.1 : 1
const count = (full: number) => Math.max(2, Math.round(full * share))

if (values.help === true) console.log(help)
else if (values.timing === true) printTimings(benchTiming(share))
else await measure()
process.exit()

async function measure(): Promise<void> {
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    os: type(),
    node: process.version,
  }
  // First of all: what cannot be fetched shows before anything has been waited for.
  const peers = values['no-peers'] === true ? [] : await measurePeers()
  const own = values.peers === true ? { crypto: [], system: [] } : await measureOwn()
  if (values.json === true) console.log(JSON.stringify({ machine, peers, ...own }))
  else printTables(machine, peers, own.crypto, own.system)
}

async function measurePeers(): Promise<readonly PeerRow[]> {
  say('measuring published libraries beside ours')
  try {
    return await comparePeers({ keygen: count(10), sign: count(200) })
  } catch (error) {
    say(`a published library cannot be measured: ${error instanceof Error ? error.message : String(error)}`)
    say('without them: npm run bench -- --no-peers')
    process.exit(1)
  }
}

async function measureOwn(): Promise<Readonly<{ crypto: readonly CryptoRow[]; system: readonly SystemRow[] }>> {
  say('measuring the protocols')
  const crypto = await benchCrypto({ keygen: count(10), sign: count(100) })
  say('measuring whole sessions on the dev stack')
  const inFlight = new Map([
    [1, count(80)],
    [8, count(160)],
    [32, count(256)],
  ])
  return { crypto, system: await benchSystem(inFlight) }
}

function say(line: string): void {
  console.error(`bench: ${line}`)
}

function printTables(
  machine: Readonly<Record<string, unknown>>,
  peers: readonly PeerRow[],
  crypto: readonly CryptoRow[],
  system: readonly SystemRow[],
): void {
  const described = Object.entries(machine).map(([name, value]) => `${name} ${value}`)
  console.log(described.join(', '))
  if (peers.length > 0) printPeers(peers)
  if (crypto.length > 0) printCrypto(crypto)
  if (system.length > 0) printSystem(system)
}

function printPeers(peers: readonly PeerRow[]): void {
  console.log('\nECDSA by published libraries, all parties in one process, in turns of many runs; CPU ms per party, median')
  print(
    ['library', 'keygen 2-of-3', 'x ours', 'sign 2 of 3', 'x ours', 'kB per party, sign', 'licence'],
    peers.map((row) => [
      `${row.title} ${row.version}`.trim(),
      row.keygenCpuMs.toFixed(1),
      row.keygenRatio.toFixed(1),
      row.signCpuMs.toFixed(2),
      row.signRatio.toFixed(1),
      (row.signBytes / 1000).toFixed(1),
      row.licence,
    ]),
  )
}

function printCrypto(crypto: readonly CryptoRow[]): void {
  console.log('\nProtocols, all parties in one thread, median')
  print(
    ['engine', 'protocol', 'key', 'CPU ms per party', 'bytes per party', 'runs'],
    crypto.map(({ engine, protocol, threshold, parties, cpuMsPerParty, bytesPerParty, runs }) => [
      engine,
      protocol,
      `${threshold} of ${parties}`,
      cpuMsPerParty.toFixed(1),
      String(bytesPerParty),
      String(runs),
    ]),
  )
}

function printSystem(system: readonly SystemRow[]): void {
  console.log(
    '\nSigning sessions, 2 of 3, end to end; "x floor" is the p50 over that of the same sessions without cryptography',
  )
  print(
    ['signers', 'in flight', 'p50 ms', 'p95 ms', 'sessions/s', 'x floor', 'sessions'],
    system.map((row) => [
      row.signers,
      String(row.inFlight),
      row.p50Ms.toFixed(1),
      row.p95Ms.toFixed(1),
      row.perSecond.toFixed(1),
      (row.p50Ms / floorOf(system, row)).toFixed(2),
      String(row.sessions),
    ]),
  )
}

function printTimings(rows: readonly TimingRow[]): void {
  print(
    ['operation', 'operands', 'special ns', 'random ns', 'difference', '|t|'],
    rows.map(({ operation, operands, specialNs, randomNs, t }) => [
      operation,
      operands,
      specialNs.toFixed(1),
      randomNs.toFixed(1),
      `${((specialNs / randomNs - 1) * 100).toFixed(2)} %`,
      t.toFixed(1),
    ]),
  )
  console.log('\n|t| (Welch) above about 5 is evidence of a dependence; below it, nothing was found, which proves nothing.')
}

function readOptions() {
  const flag = { type: 'boolean' } as const
  const options = { json: flag, quick: flag, peers: flag, 'no-peers': flag, timing: flag, help: flag }
  try {
    return parseArgs({ options }).values
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : String(error)}`)
    process.exit(2)
  }
}

function floorOf(system: readonly SystemRow[], { inFlight }: SystemRow): number {
  const floor = system.find((row) => row.inFlight === inFlight && row.signers === 'two devices, no cryptography')
  return floor?.p50Ms ?? Number.NaN
}

function print(header: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)))
  for (const row of [header, ...rows]) {
    console.log(
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
    )
  }
}
