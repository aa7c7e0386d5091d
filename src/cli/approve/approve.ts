/** `mpc approve`: from options and files to one signed approval. */
import { readFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { fromJsonString } from '@bufbuild/protobuf'
import type { KeyType } from '../../crypto/key-type.ts'
import { KeyPolicySchema } from '../../gen/mpc/policy/v1/key_policy_pb.ts'
import { makeApproval, UnapprovableError } from '../../policy/approver.ts'
import type { KeyPolicy } from '../../policy/key-policy.ts'
import { readPolicy } from '../../policy/wire.ts'
import { StartupError } from '../startup-error.ts'
import { readApproverKey } from './approver-key.ts'

/** As they are given. */
export type ApproveOptions = Readonly<{
  approverKey: string
  keyId: string
  publicKey: string
  keyType: KeyType
  policy: string
  participants: string
  messageHash?: string
  message?: string
  expiresIn: string
}>

/** Field of an approval to the option that it comes from. */
const optionOf: Readonly<Record<string, string>> = {
  keyId: '--key-id',
  publicKey: '--public-key',
  participants: '--participants',
  expiresInSeconds: '--expires-in',
}

/** The approval as JSON. Throws StartupError or ConfigurationError naming the option. */
export async function approve(options: ApproveOptions): Promise<string> {
  const identity = await readApproverKey('--approver-key', options.approverKey)
  const { keyId, publicKey, keyType } = options
  const signsMessage = keyType === 'eddsa-ed25519'
  const order = {
    keyId,
    publicKey,
    keyType,
    message: signsMessage ? await messageOf(options) : hashOf(options),
    participants: options.participants.split(',').map((partyId) => partyId.trim()),
    policy: await policyIn(options.policy),
    expiresInSeconds: Number(options.expiresIn),
  }
  try {
    const approval = await makeApproval(identity, order, randomBytes(32), Date.now())
    const { approver, nonce, expiresAt, signature } = approval
    return JSON.stringify({ approver, nonce, expires_at: expiresAt, signature })
  } catch (error) {
    if (!(error instanceof UnapprovableError)) throw error
    const { field, problem } = error
    const message = signsMessage ? '--message' : '--message-hash'
    const option = field === 'message' ? message : field.startsWith('policy') ? `--policy: ${field}` : optionOf[field]
    throw new StartupError(`${option ?? field}: ${problem}`)
  }
}

function hashOf({ messageHash, message, keyType }: ApproveOptions): Uint8Array {
  if (message !== undefined) throw new StartupError(`--message: keys of type ${keyType} sign a hash: --message-hash`)
  if (!/^[0-9A-Fa-f]{64}$/.test(messageHash ?? '')) throw new StartupError('--message-hash: must be 64 hex digits')
  return Uint8Array.from(Buffer.from(messageHash ?? '', 'hex'))
}

async function messageOf({ messageHash, message, keyType }: ApproveOptions): Promise<Uint8Array> {
  if (messageHash !== undefined || message === undefined) {
    throw new StartupError(`--message: keys of type ${keyType} sign a message, given as a file`)
  }
  return Uint8Array.from(await readable('--message', message))
}

async function policyIn(file: string): Promise<KeyPolicy> {
  const text = (await readable('--policy', file)).toString('utf8')
  try {
    return readPolicy(fromJsonString(KeyPolicySchema, text))
  } catch {
    throw new StartupError(`--policy: ${file} is not the JSON of a policy`)
  }
}

async function readable(option: string, file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch {
    throw new StartupError(`${option}: ${file} cannot be read`)
  }
}
