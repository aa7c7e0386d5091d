/** Whether a lie got anywhere: a signature, a share, a blame, a secret, or a party that it holds. */
import { bytesToHex, concatBytes } from '@noble/hashes/utils.js'
import { verifySignature } from '../../src/crypto/ecdsa.ts'
import { decodeFrostKeyShare } from '../../src/crypto/frost/key-share-codec.ts'
import { verifyFrostSignature } from '../../src/crypto/frost/suite.ts'
import type { SessionOutcome } from '../../src/party/session/run.ts'
import type { StoredShare } from '../../src/party/store/share-store.ts'
import { formsOf, secretsOfShare } from '../e2e/fixtures/secret-forms.ts'
import { kek } from '../unit/party/fixtures/parties.ts'
import { message, messageHash, type MadeKey, type Told } from './arena.ts'
import { mallory, type Lie } from './lie.ts'

export type Verdict = Readonly<{
  /** What must not have come of the lie, in words; empty: it got nowhere. */
  signatures: readonly string[]
  shares: readonly string[]
  blames: readonly string[]
  secrets: readonly string[]
  /** Ends other than those the lie's row says. */
  ends: readonly string[]
}>

export function judge(lie: Lie, told: Told): Verdict {
  const ends = told.lies === 0 ? ['the lie was not told'] : wrongEnds(lie, told)
  return {
    signatures: wrongSignatures(lie, told),
    shares: wrongShares(lie, told),
    blames: wrongBlames(lie, told),
    secrets: shownSecrets(told),
    ends,
  }
}

function wrongEnds(lie: Lie, { honest }: Told): readonly string[] {
  const reasons = lie.end === 'harmless' ? [] : lie.end
  const wrong = honest.flatMap(({ partyId, outcome }) => {
    const end = endOf(outcome)
    if (outcome === 'still running') return [`${partyId} is ${end}`]
    const isDone = outcome.kind !== 'failed'
    const mayEndSo = isDone ? lie.end === 'harmless' || lie.mayFinish === true : isIn(reasons, outcome.reason)
    return mayEndSo || (lie.end !== 'harmless' && isIn(toldThatOver, end)) ? [] : [`${partyId} ended with ${end}`]
  })
  const seen = honest.map(({ outcome }) => endOf(outcome))
  const isSeen = reasons.length === 0 || seen.some((end) => isIn(reasons, end))
  return isSeen ? wrong : [...wrong, `nobody ended with ${reasons.join(' or ')} but with ${seen.join(', ')}`]
}

/** How a party ends that another one's failure reaches: in a stream, or as the answer to a call that came later. */
const toldThatOver: readonly string[] = ['session_over', 'join_refused', 'refused']

function isIn(reasons: readonly string[], reason: string): boolean {
  return reasons.includes(reason)
}

function endOf(outcome: SessionOutcome | 'still running'): string {
  return outcome === 'still running' ? outcome : outcome.kind === 'failed' ? outcome.reason : outcome.kind
}

/** Every signature that honest parties hold or report is of what they agreed to, by the key. */
function wrongSignatures(lie: Lie, { honest, seen, key }: Told): readonly string[] {
  const ofParties = honest.flatMap(({ partyId, outcome }) => {
    if (outcome === 'still running' || outcome.kind === 'failed' || outcome.kind === 'key-made') return []
    if (lie.session !== 'sign' || key === null) return [`${partyId} signed without a key`]
    const signature = outcome.kind === 'signed' ? concatBytes(outcome.r, outcome.s) : outcome.signature
    if (lie.end !== 'harmless' && lie.mayFinish !== true) return [`${partyId} signed all the same`]
    return isOfAgreed(key, signature) ? [] : [`${partyId} holds a signature of something else`]
  })
  const reported = seen.reports.flatMap(({ partyId, report }) => {
    if (report.signature === '' || (lie.liar !== undefined && partyId === mallory)) return []
    return key !== null && isOfAgreed(key, Buffer.from(report.signature, 'hex')) ? [] : [`${partyId} reported another`]
  })
  return [...ofParties, ...reported]
}

function isOfAgreed({ keyType, publicKey }: MadeKey, signature: Uint8Array): boolean {
  if (keyType === 'ecdsa-secp256k1') {
    return verifySignature({ r: signature.slice(0, 32), s: signature.slice(32) }, messageHash, publicKey)
  }
  return verifyFrostSignature(keyType, signature, keyType === 'eddsa-ed25519' ? message : messageHash, publicKey)
}

/** No share of a key that was not made, none that is reported as made, and of one that was made, one for all. */
function wrongShares(lie: Lie, { honest, sessionId }: Told): readonly string[] {
  if (lie.session !== 'keygen') return []
  const keys = new Set(honest.flatMap(({ stored }) => (stored === null ? [] : [bytesToHex(stored.key.publicKey)])))
  const split = keys.size > 1 ? [`parties hold shares of ${keys.size} keys`] : []
  return honest.reduce<readonly string[]>((wrong, { partyId, outcome, stored }) => {
    const isMade = outcome !== 'still running' && outcome.kind === 'key-made'
    if (isMade && stored?.key.keyId !== sessionId) return [...wrong, `${partyId} reports a key it has no share of`]
    if (isMade && lie.end !== 'harmless' && lie.mayFinish !== true) return [...wrong, `${partyId} made a key`]
    const mayHave = isMade || lie.mayStore === true || lie.mayFinish === true
    return stored === null || mayHave ? wrong : [...wrong, `${partyId} keeps a share of a key that was not made`]
  }, split)
}

/** Only who lied is blamed, and where the row says so it is blamed; bans follow where they must and nowhere else. */
function wrongBlames(lie: Lie, { honest, seen, key }: Told): readonly string[] {
  const { blamed = [], banned = false } = lie
  const inOutcomes = honest.flatMap(({ outcome }) =>
    outcome !== 'still running' && outcome.kind === 'failed' ? outcome.culprits : [],
  )
  const inReports = seen.reports
    .filter(({ partyId }) => honest.some((party) => party.partyId === partyId))
    .flatMap(({ report }) => report.failure?.culprits ?? [])
  const bans = honest.flatMap(({ party }) => party.store.guard.bans())
  const named = [...inOutcomes, ...inReports, ...bans.map(({ partyId }) => partyId)]
  const innocent = named.filter((partyId) => !blamed.includes(partyId)).map((partyId) => `${partyId} was blamed`)
  const missed = blamed.filter((partyId) => !inOutcomes.includes(partyId)).map((partyId) => `${partyId} was not blamed`)
  const isBanned = honest.some(({ party }) => blamed.some((who) => party.store.guard.isBanned(key?.keyId ?? '', who)))
  const wrongBan = isBanned === banned ? [] : [banned ? 'the liar was not banned' : 'a ban for nothing']
  return [...innocent, ...missed, ...wrongBan]
}

type Heard = Pick<Told, 'seen' | 'key'> &
  Readonly<{ honest: readonly Pick<Told['honest'][number], 'partyId' | 'stored' | 'log'>[] }>

/** Secrets of honest parties in anything that services were sent, or that a party told its operator. */
export function shownSecrets({ honest, seen, key }: Heard): readonly string[] {
  const places = [...seen.bytes, ...honest.map(({ log }) => Buffer.from(log))].map((bytes) => Buffer.from(bytes))
  const haystack = Buffer.concat(places)
  return honest.flatMap(({ partyId, stored }) => {
    const share = stored ?? key?.shares.get(partyId) ?? null
    const secrets = new Map([['key-encryption key', kek], ...(share === null ? [] : secretsOf(share))])
    return [...secrets]
      .filter(([, secret]) => formsOf(secret).some((form) => haystack.includes(form)))
      .map(([name]) => `the ${name} of ${partyId}`)
  })
}

type Secrets = readonly (readonly [string, Uint8Array])[]
/** By the share's bytes: decoding checks points, which takes longer than the search. */
const known = new Map<string, Secrets>()

function secretsOf({ key, share }: StoredShare): Secrets {
  const id = bytesToHex(share)
  const secrets =
    known.get(id) ??
    (key.keyType === 'ecdsa-secp256k1'
      ? [...secretsOfShare(share)]
      : [['share', decodeFrostKeyShare(share).secretShare] as const])
  known.set(id, secrets)
  return secrets
}
