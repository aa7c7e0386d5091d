/** `npm run bench`: what the protocols cost and how fast whole sessions are, beside the transport floor, in one run. */
import { cpus, totalmem, type } from 'node:os'
import { parseArgs } from 'node:util'
import { benchCrypto, type CryptoRow } from './crypto.ts'
import { benchSystem, type SystemRow } from './system.ts'
import { benchTiming, type TimingRow } from './timing.ts'

const help = `npm run bench [-- --json] [-- --quick] [-- --timing]

  --json    one JSON object on standard output
  --quick   a tenth of the repetitions: to see that it runs, not to quote
  --timing  only: whether the time of secret arithmetic depends on operands, beside BigInt's`

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    quick: { type: 'boolean' },
    timing: { type: 'boolean' },
    help: { type: 'boolean' },
  },
})

if (values.help === true) {
  console.log(help)
} else if (values.timing === true) {
  printTimings(benchTiming(values.quick === true ? 0.1 : 1))
} else {
  const share = values.quick === true ? 0.1 : 1
  const count = (full: number) => Math.max(4, Math.round(full * share))
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    os: type(),
    node: process.version,
  }
  say('measuring the protocols')
  const crypto = benchCrypto({ keygen: count(10), sign: count(100) })
  say('measuring whole sessions on the dev stack')
  const system = await benchSystem(
    new Map([
      [1, count(80)],
      [8, count(160)],
      [32, count(256)],
    ]),
  )
  if (values.json === true) console.log(JSON.stringify({ machine, crypto, system }))
  else printTables(machine, crypto, system)
  process.exit()
}

function say(line: string): void {
  console.error(`bench: ${line}`)
}

function printTables(
  machine: Readonly<Record<string, unknown>>,
  crypto: readonly CryptoRow[],
  system: readonly SystemRow[],
): void {
  console.log(
    Object.entries(machine)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
  )
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
