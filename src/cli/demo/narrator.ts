/** The demo's story, for people to read: each step, each round with who sent how much, and the results. */
import { fingerprint } from '../../identity/identity-key.ts'
import type { KeyType } from '../../crypto/key-type.ts'
import type { Participant, ToSign } from './account-client.ts'
import type { SignatureResult } from './result.ts'
import type { RoundLine } from './round-log.ts'

export type Narrator = Readonly<{
  started(ms: number): void
  keygenOpened(
    sessionId: string,
    keyType: KeyType,
    participants: readonly Participant[],
    identities: ReadonlyMap<string, Uint8Array>,
    approver: Uint8Array,
  ): void
  /** `address` is Ethereum's; undefined where the key has none. */
  keyMade(rounds: readonly RoundLine[], publicKey: string, address: string | undefined, ms: number): void
  accountCreated(id: string, toSign: ToSign): void
  signed(sessionId: string, result: SignatureResult, rounds: readonly RoundLine[], ms: number, verdict: string): void
  stopped(): void
}>

export const silentNarrator: Narrator = {
  started: () => {},
  keygenOpened: () => {},
  keyMade: () => {},
  accountCreated: () => {},
  signed: () => {},
  stopped: () => {},
}

/** `print` gets one line at a time. */
export function narrateTo(print: (line: string) => void): Narrator {
  const rounds = (lines: readonly RoundLine[]) => {
    for (const { round, from, sent } of lines) {
      const amounts = sent.map(({ to, bytes }) => `${bytes.toLocaleString('en')} bytes to ${to}`)
      print(`     round ${round}   ${from.padEnd(16)} ${amounts.join(', ')}`)
    }
  }
  return {
    started: (ms) => print(`1. Started nats-server, PostgreSQL and the six services in ${seconds(ms)}.`),
    keygenOpened: (sessionId, keyType, participants, identities, approver) => {
      print('')
      print(`2. Key generation, 2 of ${participants.length}, ${keyType}, session ${sessionId}`)
      for (const { party_id, device_type, device_id } of participants) {
        const identity = fingerprint(identities.get(party_id) ?? new Uint8Array(0))
        print(`     ${party_id.padEnd(16)} ${`${device_type}, ${device_id}`.padEnd(24)} identity ${identity}`)
      }
      print('   The two devices accept these identities and no others.')
      const owner = `its owner (${fingerprint(approver)})`
      print(`   Policy of the key: ${owner} approves each signature; every party checks that itself.`)
    },
    keyMade: (lines, publicKey, address, ms) => {
      rounds(lines)
      print(`   Each party keeps its own share, encrypted; the key itself was nowhere. Took ${seconds(ms)}.`)
      print(`     public key       ${publicKey}`)
      if (address !== undefined) print(`     Ethereum address ${address}`)
    },
    accountCreated: (id, toSign) => {
      print('')
      print(`3. Account ${id} was created with this public key.`)
      print('')
      const signed = 'message' in toSign ? 'message' : 'hash'
      print(`4. Three signatures of the same ${signed}, each by two of the three parties with an approval of the owner`)
    },
    signed: (sessionId, { signers, signature, recovery_id }, lines, ms, verdict) => {
      print('')
      print(`   ${signers.join(' + ')}, session ${sessionId}, took ${seconds(ms)}`)
      rounds(lines)
      print(`     ${recovery_id === undefined ? 'R' : 'r'}            ${signature.slice(0, 64)}`)
      print(`     s            ${signature.slice(64)}`)
      if (recovery_id !== undefined) print(`     recovery id  ${recovery_id}`)
      print(`     ${verdict}`)
    },
    stopped: () => {
      print('')
      print('5. Everything was stopped again. `npm start` runs the system until you stop it.')
    },
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}
