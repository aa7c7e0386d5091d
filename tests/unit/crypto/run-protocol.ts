/**
 * Runs all parties of a protocol in memory, round by round, with a hook to tamper with what travels. Runs in a browser
 * too: no test framework in here.
 */
import type { Abort, Execution, Inbound, Outbound, Step } from '../../../src/crypto/protocol.ts'

export type Packet = Readonly<{
  round: number
  from: number
  to: number
  channel: 'broadcast' | 'direct'
  body: Uint8Array
}>

/** Returns the body to deliver instead. A broadcast passes once for every recipient. */
export type Tamper = (packet: Packet) => Uint8Array

export type Run<Result> = Readonly<{
  /** How each party ended; undefined when it still waits because somebody else aborted. */
  ends: readonly (Readonly<{ kind: 'done'; result: Result }> | Abort | undefined)[]
  /** Every message as sent, before tampering; a broadcast appears once per recipient. */
  packets: readonly Packet[]
}>

export function runProtocol<Result>(
  parties: readonly Execution<Result>[],
  tamper: Tamper = ({ body }) => body,
): Run<Result> {
  const packets: Packet[] = []
  let steps: Step<Result>[] = parties.map((party) => party.start())
  while (steps.every((step) => step.kind === 'next')) {
    const sent = steps.map((step) => (step.kind === 'next' ? step : unreachable()))
    packets.push(...sent.flatMap(({ round, outbound }, from) => travelling(round, from, outbound, parties.length)))
    steps = parties.map((party, to) => party.receive(roundOf(sent), inboundFor(packets, roundOf(sent), to, tamper)))
  }
  return { ends: steps.map((step) => (step.kind === 'next' ? undefined : step)), packets }
}

/** The messages of one round as `to` receives them. */
export function inboundFor(packets: readonly Packet[], round: number, to: number, tamper: Tamper): Inbound[] {
  const inbound = new Map<number, Inbound>()
  for (const packet of packets.filter((candidate) => candidate.round === round && candidate.to === to)) {
    inbound.set(packet.from, { ...inbound.get(packet.from), from: packet.from, [packet.channel]: tamper(packet) })
  }
  return [...inbound.values()]
}

/** The results, when every party finished. */
export function resultsOf<Result>(run: Run<Result>): Result[] {
  return run.ends.map((end) => {
    if (end?.kind !== 'done') throw new Error(`a party did not finish: ${end?.reason ?? 'it still waits'}`)
    return end.result
  })
}

function travelling(round: number, from: number, outbound: readonly Outbound[], parties: number): Packet[] {
  return outbound.flatMap((message): Packet[] => {
    const { body } = message
    if (message.kind === 'direct') return [{ round, from, to: message.to, channel: 'direct', body }]
    const others = Array.from({ length: parties }, (_, to) => to).filter((to) => to !== from)
    return others.map((to) => ({ round, from, to, channel: 'broadcast', body }))
  })
}

function roundOf(steps: readonly Readonly<{ round: number }>[]): number {
  const [round, ...others] = new Set(steps.map((step) => step.round))
  if (round === undefined || others.length > 0) throw new Error('the parties are not in the same round')
  return round
}

function unreachable(): never {
  throw new Error('unreachable')
}
