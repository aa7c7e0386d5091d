/** What a member of the key's group can report of a session that went well. */
import { schnorr } from '@noble/curves/secp256k1.js'
import { concatBytes } from '@noble/hashes/utils.js'
import { resultStatement } from '../../src/identity/statement.ts'
import type { Report } from '../../src/party/transport/party-transport.ts'
import { identityOf } from '../unit/party/fixtures/parties.ts'
import { group } from './arena.ts'
import { mallory, type Lie } from './lie.ts'
import { seeing } from './lying-party.ts'

const signing = { session: 'sign', keyType: 'schnorr-secp256k1', parties: ['alice', mallory] } as const
const making = { session: 'keygen', keyType: 'schnorr-secp256k1', parties: group } as const
const tell = () => {}

function reporting(
  name: string,
  base: typeof signing | typeof making,
  end: Lie['end'],
  change: (report: Report, about: About) => Promise<Report | null>,
): Lie {
  return {
    ...base,
    step: 'report',
    name,
    tell,
    end,
    mayFinish: true,
    mayStore: true,
    liar: ({ sessionId, lied }) => {
      let rosterHash: Uint8Array = new Uint8Array(32)
      return {
        transportChanges: (transport) => ({
          ...transport,
          watchSession: (member, signal) =>
            seeing(transport.watchSession(member, signal), (shown) => (rosterHash = shown.rosterHash ?? rosterHash)),
          report: async (member, report, signal) => {
            lied()
            const changed = await change(report, { sessionId, rosterHash, keyType: base.keyType })
            return changed === null ? { allCompleted: false } : transport.report(member, changed, signal)
          },
        }),
      }
    },
  }
}
type About = Readonly<{ sessionId: string; rosterHash: Uint8Array; keyType: Lie['keyType'] }>

async function vouched(about: About, result: Uint8Array): Promise<Uint8Array> {
  return (await identityOf(mallory)).sign(resultStatement({ ...about, partyId: mallory, result }))
}

const otherKey = schnorr.getPublicKey(new Uint8Array(32).fill(3))

export const partyReportLies: readonly Lie[] = [
  reporting('another key, properly signed', making, ['session_over', 'session_timed_out'], async (report, about) =>
    report.kind === 'key-made'
      ? { ...report, publicKey: otherKey, resultSignature: await vouched(about, otherKey), witness: null }
      : report,
  ),
  reporting(
    'another signature, properly signed',
    signing,
    ['session_over', 'session_timed_out'],
    async (report, about) => {
      if (report.kind !== 'signed') return report
      const signature = concatBytes(report.signature.slice(0, 63), Uint8Array.of((report.signature[63] ?? 0) ^ 1))
      return { ...report, signature, resultSignature: await vouched(about, signature), witness: null }
    },
  ),
  ...[making, signing].flatMap((base) => [
    reporting('never made', base, ['session_timed_out'], async () => null),
    reporting('a failure that blames alice', base, ['session_over'], async () => ({
      kind: 'failed',
      reason: 'ot_check_failed',
      culprits: ['alice'],
    })),
    reporting('a failure that blames everyone', base, ['session_over'], async () => ({
      kind: 'failed',
      reason: 'share_invalid',
      culprits: [...base.parties],
    })),
  ]),
]
