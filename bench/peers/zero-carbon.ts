/** 0xCarbon's WASM build: phases over plain values, which a caller would carry as JSON. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { peerParties, peerThreshold, type Peer, type PeerRuns } from './peer.ts'

type Addressed = Readonly<{ parties: Readonly<{ sender: number; receiver: number }> }>
type Fallible<T> = Readonly<{ Ok: T }>
type Party = Readonly<Record<string, unknown>>
type SessionData = Readonly<Record<string, unknown>>
type Phase2 = readonly [point: unknown, proof: unknown, zeroKept: unknown, zero: Addressed[], bipKept: unknown, bip: unknown]
type Phase3 = readonly [zeroKept: unknown, zero: Addressed[], mulKept: unknown, mul: Addressed[], bip: unknown]
type SignStep = readonly [unique: unknown, kept: unknown, sent: Addressed[]]
type Library = Readonly<{
  initSync: (module: Uint8Array) => unknown
  phase1_wasm_binding: (data: SessionData) => readonly string[]
  phase2_wasm_binding: (data: SessionData, fragments: readonly unknown[]) => Phase2
  phase3_wasm_binding: (data: SessionData, zeroKept: unknown, bipKept: unknown) => Phase3
  phase4_wasm_binding: (data: SessionData, ...rest: readonly unknown[]) => Fallible<Party>
  sign_phase1: (party: Party, data: SessionData) => SignStep
  sign_phase2: (party: Party, data: SessionData, ...rest: readonly unknown[]) => Fallible<SignStep>
  sign_phase3: (party: Party, data: SessionData, ...rest: readonly unknown[]) => Fallible<readonly [string, unknown]>
  sign_phase4: (party: Party, data: SessionData, ...rest: readonly unknown[]) => Fallible<unknown>
}>

export const zeroCarbon: Peer = {
  name: '@0xcarbon/dkls23-wasm',
  version: '1.0.2',
  integrity: 'sha512-aBQTEAFQFsSFGiBgt/VyMLTrv/IskbWKuuejxHqaGfzpzUb1N6g2nhIegzb73ImbMjp3q4R0lgiZX6jWdvwfrw==',
  title: '0xCarbon WASM',
  licence: 'none stated in the package',
  open: async (folder) => {
    const library = (await import(pathToFileURL(join(folder, 'dkls23_wasm.js')).href)) as Library
    const module = await readFile(join(folder, 'dkls23_wasm_bg.wasm'))
    quietly(() => library.initSync(module))
    return runsOf(library)
  },
}

/** The library greets on standard output, which belongs to the results. */
function quietly(start: () => void): void {
  const { log, info } = console
  Object.assign(console, { log: console.error, info: console.error })
  try {
    start()
  } finally {
    Object.assign(console, { log, info })
  }
}

function runsOf(library: Library): PeerRuns {
  const { parties } = makeKey(library)
  return { keygen: () => makeKey(library), sign: () => makeSignature(library, parties) }
}

function makeKey(library: Library): Readonly<{ bytes: number; parties: readonly Party[] }> {
  const ids = numbers(peerParties)
  const session_id = [...randomBytes(32)]
  const parameters = { threshold: peerThreshold, share_count: peerParties }
  const data = ids.map((party_index) => ({ parameters, party_index, session_id }))
  const fragments = data.map((own) => library.phase1_wasm_binding(own))
  const second = data.map((own, i) =>
    library.phase2_wasm_binding(
      own,
      fragments.map((of) => of[i]),
    ),
  )
  const third = data.map((own, i) => library.phase3_wasm_binding(own, second[i]?.[2], second[i]?.[4]))
  const proofs = second.map((step) => step[1])
  const broadcasts2 = new Map(ids.map((id, i) => [id, second[i]?.[5]]))
  const broadcasts3 = new Map(ids.map((id, i) => [id, third[i]?.[4]]))
  const zero2 = second.flatMap((step) => step[3])
  const zero3 = third.flatMap((step) => step[1])
  const mul = third.flatMap((step) => step[3])
  const parties = data.map((own, i) => {
    const to = (messages: readonly Addressed[]) => messages.filter(({ parties: { receiver } }) => receiver === i + 1)
    const kept = [third[i]?.[0], to(zero2), to(zero3), third[i]?.[2], to(mul)]
    return library.phase4_wasm_binding(own, second[i]?.[0], proofs, ...kept, broadcasts2, broadcasts3).Ok
  })
  return { bytes: sizeOf([fragments, proofs, zero2, zero3, mul, [...broadcasts2], [...broadcasts3]]), parties }
}

function makeSignature(library: Library, parties: readonly Party[]): Readonly<{ bytes: number }> {
  const [sign_id, message_hash] = [[...randomBytes(32)], [...randomBytes(32)]]
  const signers = numbers(peerThreshold).map((id, i) => ({
    party: parties[i] as Party, // threshold ≤ parties
    data: { sign_id, message_hash, counterparties: numbers(peerThreshold).filter((other) => other !== id) },
    sentTo: (steps: readonly SignStep[]) => steps.flatMap(([, , sent]) => sent).filter((m) => m.parties.receiver === id),
  }))
  const first = signers.map(({ party, data }) => library.sign_phase1(party, data))
  const second = signers.map(({ party, data, sentTo }, i) => {
    return library.sign_phase2(party, data, first[i]?.[0], first[i]?.[1], sentTo(first)).Ok
  })
  const third = signers.map(({ party, data, sentTo }, i) => {
    return library.sign_phase3(party, data, second[i]?.[0], second[i]?.[1], sentTo(second)).Ok
  })
  const broadcasts = third.map((step) => step[1])
  const bytes = sizeOf([first.map((step) => step[2]), second.map((step) => step[2]), broadcasts])
  signers.forEach(({ party, data }, i) => library.sign_phase4(party, data, third[i]?.[0], broadcasts, true))
  return { bytes }
}

/** Party numbers, which start at 1. */
function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i + 1)
}

/** Bytes of the values as JSON. */
function sizeOf(values: readonly unknown[]): number {
  const plain = (_: string, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value)
  return JSON.stringify(values, plain).length
}
