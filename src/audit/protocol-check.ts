/** What the broadcasts of a run say, against the protocol and against the result that the session ended with. */
import { randomBytes } from 'node:crypto'
import { equalBytes } from '../crypto/bytes.ts'
import type { FrostPublicKey } from '../crypto/frost/key-share.ts'
import { judgeFrostKeygen, judgeFrostSigning } from '../crypto/frost/spectator.ts'
import { judgeKeygen } from '../crypto/keygen/spectator.ts'
import type { AbortReason } from '../crypto/protocol.ts'
import { judgeSigning } from '../crypto/sign/spectator.ts'
import type { Broadcasts, Fault } from '../crypto/transcript.ts'
import type { KeyFacts, SessionFacts } from './session-facts.ts'
import type { Binding, SignedMessage } from './session-messages.ts'

export type ProtocolProblem = Readonly<{ record: SignedMessage['record']; reason: string }>

export type ProtocolCheck = Readonly<{
  problems: readonly ProtocolProblem[]
  /** Of a keygen session: whether its result is the key that the broadcasts make; null where they make none. */
  isKeyOfOpenings: boolean | null
  frost: FrostPublicKey | null
}>

/** `key`: the one a sign session names, where the session that made it is known. */
export function checkProtocol(
  facts: SessionFacts,
  binding: Binding,
  key: KeyFacts | null,
  messages: readonly SignedMessage[],
): ProtocolCheck {
  const broadcasts = broadcastsOf(messages)
  if (facts.type === 'sign') {
    const faults = key === null ? [] : signingFaults(facts, binding, key, broadcasts)
    return { problems: locate(binding, faults, messages), isKeyOfOpenings: null, frost: null }
  }
  const { keyType, thresholdT: threshold, thresholdN: parties, result } = facts
  const transcript = { sid: binding.sid, threshold, parties, broadcasts }
  const judged =
    keyType === 'ecdsa-secp256k1'
      ? { frost: null, ...judgeKeygen(transcript) }
      : withPublicKey(judgeFrostKeygen({ ...transcript, keyType }, (length) => randomBytes(length)))
  const { publicKey, frost } = judged
  const isKeyOfOpenings = publicKey === null || result === null ? null : equalBytes(publicKey, result.publicKey)
  return { problems: locate(binding, judged.faults, messages), isKeyOfOpenings, frost }
}

function withPublicKey({ faults, key }: ReturnType<typeof judgeFrostKeygen>) {
  return { faults, publicKey: key?.publicKey ?? null, frost: key }
}

function signingFaults(
  { keyType, message, result }: SessionFacts,
  { sid, roster }: Binding,
  key: KeyFacts,
  broadcasts: Broadcasts,
): readonly Fault[] {
  const signers = roster.map(({ partyId }) => key.members.findIndex((member) => member.partyId === partyId))
  if (signers.includes(-1)) return [] // a stranger among the signers is blamed already
  const signature = result?.signature ?? null
  if (keyType === 'ecdsa-secp256k1') {
    const s = signature === null ? null : signature.subarray(32)
    return judgeSigning({ sid, publicKey: key.publicKey, messageHash: message, signers, broadcasts, s })
  }
  if (key.frost === null) return []
  return judgeFrostSigning({ sid, key: key.frost, message, signers, broadcasts, signature })
}

function broadcastsOf(messages: readonly SignedMessage[]): Broadcasts {
  const broadcasts = new Map<number, Map<number, Uint8Array>>()
  for (const { round, from, body } of messages) {
    if (body === null) continue
    const bodies = broadcasts.get(round) ?? new Map<number, Uint8Array>()
    broadcasts.set(round, bodies.set(from, body))
  }
  return broadcasts
}

function locate(
  { roster }: Binding,
  faults: readonly Fault[],
  messages: readonly SignedMessage[],
): readonly ProtocolProblem[] {
  return faults.flatMap(({ round, party, reason }) => {
    const message = messages.find((candidate) => {
      return candidate.round === round && candidate.from === party && candidate.to === null
    })
    const name = roster[party]?.partyId ?? 'nobody'
    return message === undefined ? [] : [{ record: message.record, reason: `${describe[reason] ?? reason} (${name})` }]
  })
}

const describe: Partial<Readonly<Record<AbortReason, string>>> = {
  'malformed-message': 'the broadcast is not an encoding of its round',
  'session-mismatch': 'the broadcast states another session',
  'view-mismatch': 'the echo is not the hash of the broadcasts of the round before',
  'commitment-mismatch': 'it opens something else than was committed to',
  'proof-invalid': 'a proof of knowledge does not hold',
  'public-key-mismatch': 'the public share is not the one of the joint key',
  'confirmation-mismatch': 'it confirms another key',
  'signature-invalid': 'the shares of the signature do not add up to it',
}
