/** What a member of the key's group can do: wrong fields, two stories, silence, rubbish, a share that is not its own. */
import type { EcdsaSignature } from '../../src/crypto/ecdsa.ts'
import { decodeKeyShare } from '../../src/crypto/key-share-codec.ts'
import type { Step } from '../../src/crypto/protocol.ts'
import { createSign } from '../../src/crypto/sign/sign.ts'
import { secureRandom } from '../../src/party/clock.ts'
import type { ExecutionHost, ProtocolOutput } from '../../src/party/execution/execution-host.ts'
import { scalarOf, scalars } from '../unit/crypto/arithmetic.ts'
import { malformed } from '../unit/crypto/consequences.ts'
import { group } from './arena.ts'
import type { Lie } from './lie.ts'
import { sendingWrong, silentAboutFailures, silentIn } from './lying-party.ts'
import { partyCallLies } from './party-call-lies.ts'
import { equivocationLies } from './party-equivocation-lies.ts'
import { fieldLiesOfParties } from './party-field-lies.ts'
import { partyJoinLies } from './party-join-lies.ts'
import { bip340, ecdsaKeygen, ecdsaSign, ed, ending, pair, tell } from './party-protocols.ts'
import { partyReportLies } from './party-report-lies.ts'

const silences: readonly Lie[] = (
  [
    [{ session: 'sign', ...ed }, pair, 2],
    [{ session: 'keygen', ...bip340 }, group, 3],
    [ecdsaSign, pair, 3],
    [ecdsaKeygen, pair, 4],
  ] as const
).flatMap(([protocol, parties, rounds]) =>
  Array.from({ length: rounds }, (_, i): Lie => {
    const round = i + 1
    const name = 'says nothing'
    return { ...protocol, parties, step: `round ${round}`, name, tell, liar: silentIn(round), end: ['round_timed_out'] }
  }),
)

const bodies: readonly (readonly [string, (body: Uint8Array) => Uint8Array])[] = [
  ['an empty body', () => new Uint8Array(0)],
  ['a body with a byte too few', (body) => body.slice(1)],
  ['a body with a byte too many', (body) => Uint8Array.from([...body, 0])],
  ['a body of 100 kB', () => new Uint8Array(100_000)],
]
const malformedLies: readonly Lie[] = bodies.flatMap(([name, change]) =>
  (
    [
      [ecdsaSign, 1, 'broadcast'],
      [ecdsaSign, 1, 'direct'],
      [ecdsaSign, 2, 'direct'],
      [ecdsaSign, 3, 'broadcast'],
      [{ session: 'keygen', ...bip340 }, 1, 'broadcast'],
      [{ session: 'keygen', ...bip340 }, 2, 'direct'],
    ] as const
  ).map(([protocol, round, channel]): Lie => {
    const liar = sendingWrong({ round, channel }, change)
    return { ...protocol, parties: pair, step: `round ${round} ${channel}`, name, tell, liar, ...ending(malformed) }
  }),
)

/** An honest run with a share that is not the one the key was made with: every check but the sum passes. */
const wrongShare: Lie = {
  ...ecdsaSign,
  parties: pair,
  step: 'share',
  name: 'signs with another share than its own',
  tell,
  end: ['public_key_mismatch'],
  liar: ({ lied }) => ({ transportChanges: silentAboutFailures, host: signingWithAnotherShare(lied) }),
}

function signingWithAnotherShare(lied: () => void): ExecutionHost {
  return {
    open: async (task) => {
      if (task.protocol !== 'dkls23-sign') throw new Error('not a signing session')
      lied()
      const { protocol, ...params } = task
      const share = decodeKeyShare(task.share)
      const secretShare = scalars.add(share.secretShare, scalarOf(1n))
      const execution = createSign({ ...params, share: { ...share, secretShare } }, secureRandom)
      const step = (taken: Step<EcdsaSignature>): Step<ProtocolOutput> =>
        taken.kind === 'done' ? { kind: 'done', result: { protocol, ...taken.result } } : taken
      return {
        start: async () => step(execution.start()),
        receive: async (round, inbound) => step(execution.receive(round, inbound)),
        close: () => execution.erase(),
      }
    },
    close: async () => {},
  }
}

export const partyLies: readonly Lie[] = [
  ...fieldLiesOfParties,
  ...equivocationLies,
  ...silences,
  ...malformedLies,
  wrongShare,
  ...partyCallLies,
  ...partyJoinLies,
  ...partyReportLies,
]
