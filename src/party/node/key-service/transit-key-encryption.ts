/**
 * Key encryption by a service that speaks Vault's transit API (HashiCorp Vault, OpenBao): the key never leaves it.
 * https://developer.hashicorp.com/vault/api-docs/secret/transit, "Encrypt data" and "Decrypt data".
 */
import { z } from 'zod'
import { concatBytes } from '../../../crypto/bytes.ts'
import { ConfigurationError } from '../../../edge/configuration-error.ts'
import { readSecretFile } from '../../../edge/secret-key-file.ts'
import type { KeyEncryption } from '../../store/key-encryption.ts'
import type { PostAnswer } from '../post.ts'
import { fromBase64, toBase64 } from './base64-bytes.ts'
import { callService, ServiceAway, ServiceUntrusted } from './service-call.ts'

export type TransitOptions = Readonly<{
  url: URL
  /** Where the engine is mounted. */
  mount: string
  /** An AEAD key (aes256-gcm96, chacha20-poly1305 …) without derivation. */
  key: string
  tokenFile: string
  ca: string | undefined
  timeoutMs: number
  /** Names of the variables, for errors: those that start with this. */
  prefix: string
}>

const ciphertextForm = /^vault:v([1-9]\d{0,8}):[A-Za-z0-9+/]+={0,2}$/
const tokenForm = /^[\x21-\x7e]{1,4096}$/
const encryptAnswer = z.object({ data: z.object({ ciphertext: z.string().regex(ciphertextForm) }) })
const refusal = z.object({ errors: z.array(z.string()) })
const ascii = (text: string) => Buffer.from(text, 'latin1')

export function transitKeyEncryption(options: TransitOptions): KeyEncryption {
  const { mount, key, prefix } = options
  const keyId = `transit:${mount}/${key}`
  const unexpected = () => new ConfigurationError(`${prefix}KMS_URL`, 'the answer is not one of a transit engine')
  return {
    keyId,
    wrap: async (dataKey, context) => {
      const secret = toBase64(dataKey)
      const body = concatBytes(ascii('{"plaintext":"'), secret, ascii(`","associated_data":"${base64(context)}"}`))
      secret.fill(0)
      try {
        const answer = await call(options, 'encrypt', body)
        if (answer.status !== 200) throw refused(options, answer)
        const parsed = encryptAnswer.safeParse(jsonOf(answer.body))
        if (!parsed.success) throw unexpected()
        const { ciphertext } = parsed.data.data
        return { wrappedBy: keyId, keyVersion: versionOf(ciphertext), ciphertext }
      } finally {
        body.fill(0)
      }
    },
    unwrap: async ({ wrappedBy, keyVersion, ciphertext }, context) => {
      if (wrappedBy !== keyId || !ciphertextForm.test(ciphertext) || versionOf(ciphertext) !== keyVersion) return null
      const body = ascii(JSON.stringify({ ciphertext, associated_data: base64(context) }))
      const answer = await call(options, 'decrypt', body)
      try {
        if (answer.status === 400 && isUndecryptable(answer)) return null
        if (answer.status !== 200) throw refused(options, answer)
        const dataKey = plaintextIn(answer.body)
        if (dataKey === null) throw unexpected()
        return dataKey
      } finally {
        answer.body.fill(0)
      }
    },
    directKey: () => null,
    close: () => undefined,
  }
}

async function call(options: TransitOptions, operation: string, body: Uint8Array): Promise<PostAnswer> {
  const { url, mount, key, ca, timeoutMs, prefix } = options
  const path = `${url.pathname.replace(/\/$/, '')}/v1/${mount}/${operation}/${key}`
  // Read for every call: an agent beside us may renew it.
  const headers = { 'x-vault-token': readToken(options), 'x-vault-request': 'true' }
  try {
    return await callService({ url: new URL(path, url), headers, body, ca, timeoutMs })
  } catch (error) {
    if (error instanceof ServiceUntrusted) {
      const problem = `must hold the authority of the certificate of ${url.origin} (${error.message})`
      throw new ConfigurationError(`${prefix}KMS_CA_FILE`, problem)
    }
    if (!(error instanceof ServiceAway)) throw error
    throw new ConfigurationError(`${prefix}KMS_URL`, `${url.origin}: ${error.message}`)
  }
}

function readToken({ tokenFile, prefix }: TransitOptions): string {
  const variable = `${prefix}KMS_TOKEN_FILE`
  const bytes = readSecretFile(variable, tokenFile)
  const token = bytes.toString('latin1').trim()
  bytes.fill(0)
  if (!tokenForm.test(token)) throw new ConfigurationError(variable, `${tokenFile} must hold one token`)
  return token
}

/** What the service says of a ciphertext that is not of this key and context, or was changed. */
function isUndecryptable({ body }: PostAnswer): boolean {
  return errorsIn(body).some((text) => /invalid ciphertext|authentication failed|unable to decrypt|base64/i.test(text))
}

function refused({ mount, key, prefix }: TransitOptions, { status, body }: PostAnswer): ConfigurationError {
  const said = errorsIn(body).map((text) => text.trim().replace(/[^\x20-\x7e]+/g, ' '))
  const details = said.length === 0 ? '' : `: ${said.join('; ').slice(0, 200)}`
  if (status === 401 || status === 403) {
    const problem = `the token may not use ${mount}/${key} (${status})${details}`
    return new ConfigurationError(`${prefix}KMS_TOKEN_FILE`, problem)
  }
  if (status >= 300 && status < 400) {
    return new ConfigurationError(`${prefix}KMS_URL`, `redirects (${status}): name the active node or a load balancer`)
  }
  return new ConfigurationError(`${prefix}KMS_KEY`, `${mount}/${key} is refused (${status})${details}`)
}

function errorsIn(body: Uint8Array): readonly string[] {
  const parsed = refusal.safeParse(jsonOf(body))
  return parsed.success ? parsed.data.errors : []
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body))
  } catch {
    return null
  }
}

/** The field's value decoded where it lies: parsed as JSON the key would be in a string, which cannot be wiped. */
function plaintextIn(body: Uint8Array): Uint8Array | null {
  const text = Buffer.from(body.buffer, body.byteOffset, body.length)
  const name = '"plaintext"'
  const at = text.indexOf(name)
  const open = at < 0 ? -1 : text.indexOf('"', at + name.length)
  const close = open < 0 ? -1 : text.indexOf('"', open + 1)
  if (close < 0 || !/^\s*:\s*$/.test(text.toString('latin1', at + name.length, open))) return null
  return fromBase64(text.subarray(open + 1, close))
}

function versionOf(ciphertext: string): number {
  return Number(ciphertextForm.exec(ciphertext)?.[1])
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
