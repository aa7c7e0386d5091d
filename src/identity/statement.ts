/**
 * The statements that parties, approvers and coordinators sign with their identity keys, or hash, as bytes. Each begins
 * with a registered tag; each part is framed by its length, so that two different statements never have the same bytes.
 */

const tags = {
  join: 'mpc-system/v1/join',
  result: 'mpc-system/v1/result',
  invitations: 'mpc-system/v1/watch-invitations',
  envelope: 'mpc-system/v1/envelope',
  envelopeSeal: 'mpc-system/v1/envelope-seal',
  joinTokenSeal: 'mpc-system/v1/join-token-seal',
  witness: 'mpc-system/v1/witness',
  witnessedMessages: 'mpc-system/v1/witnessed-messages',
  checkpoint: 'mpc-system/v1/checkpoint',
  keyPolicy: 'mpc-system/v1/key-policy',
  approval: 'mpc-system/v1/approval',
  policyHook: 'mpc-system/v1/policy-hook',
  fingerprint: 'mpc-system/v1/fingerprint',
} as const

export type StatementTag = keyof typeof tags

export const statementTags: Readonly<Record<StatementTag, string>> = tags

/** Tag and parts, each preceded by its length as 4 bytes big-endian. Numbers are written as 8 bytes big-endian. */
export function statement(
  tag: StatementTag,
  parts: readonly (Uint8Array | string | number)[],
): Uint8Array<ArrayBuffer> {
  const encoded = [tags[tag], ...parts].map(encodePart)
  const out = new Uint8Array(encoded.reduce((sum, part) => sum + 4 + part.length, 0))
  const view = new DataView(out.buffer)
  let offset = 0
  for (const part of encoded) {
    view.setUint32(offset, part.length)
    out.set(part, offset + 4)
    offset += 4 + part.length
  }
  return out
}

/** What a joining party signs: everything it contributes, with session and party id. */
export function joinStatement(join: {
  sessionId: string
  partyId: string
  identityKey: Uint8Array
  ephemeralKey: Uint8Array
  nonce: Uint8Array
}): Uint8Array<ArrayBuffer> {
  return statement('join', [join.sessionId, join.partyId, join.identityKey, join.ephemeralKey, join.nonce])
}

/**
 * What a party signs with its report. `result` is the public key (keygen), or the signature (sign), with ECDSA followed
 * by the recovery id. ECDSA, the default, is not named: its statements are older than the other key types.
 */
export function resultStatement(report: {
  sessionId: string
  partyId: string
  rosterHash: Uint8Array
  keyType?: string
  result: Uint8Array
}): Uint8Array<ArrayBuffer> {
  const { sessionId, partyId, rosterHash, keyType = 'ecdsa-secp256k1', result } = report
  const named = keyType === 'ecdsa-secp256k1' ? [] : [keyType]
  return statement('result', [sessionId, partyId, rosterHash, result, ...named])
}

/** What a server party signs to see its invitations. */
export function invitationsStatement(request: { deviceId: string; signedAtMs: number }): Uint8Array<ArrayBuffer> {
  return statement('invitations', [request.deviceId, request.signedAtMs])
}

/** What a coordinator signs of the log: the Merkle trees over its streams, after the checkpoint before. */
export function checkpointStatement(checkpoint: {
  schemaVersion: number
  sequence: number
  timeMs: number
  previousHash: Uint8Array
  sessions: Readonly<{ size: number; root: Uint8Array }>
  messages: Readonly<{ size: number; root: Uint8Array }>
  coordinatorKey: Uint8Array
}): Uint8Array<ArrayBuffer> {
  const { schemaVersion, sequence, timeMs, previousHash, sessions, messages, coordinatorKey } = checkpoint
  const trees = [sessions.size, sessions.root, messages.size, messages.root]
  return statement('checkpoint', [schemaVersion, sequence, timeMs, previousHash, ...trees, coordinatorKey])
}

function encodePart(part: Uint8Array | string | number): Uint8Array {
  if (typeof part === 'string') return new TextEncoder().encode(part)
  if (typeof part !== 'number') return part
  if (!Number.isSafeInteger(part) || part < 0) throw new RangeError('a statement holds whole numbers from 0 on')
  const out = new Uint8Array(8)
  new DataView(out.buffer).setBigUint64(0, BigInt(part))
  return out
}
