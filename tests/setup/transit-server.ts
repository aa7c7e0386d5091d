/**
 * A key service with the behaviour that Vault's documentation gives its transit engine, with real AES-256-GCM keys. The
 * texts of its refusals are those that Vault 1.14's own backend gave to the same calls. Knows nothing of our client.
 * https://developer.hashicorp.com/vault/api-docs/secret/transit
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export type TransitServer = Readonly<{
  url: string
  /** `POST /transit/keys/:name` and what follows it; throws what is refused. As root, whatever token others have. */
  rotate: (key: string) => void
  forget: (key: string, versionsBefore: number) => void
  revoke: (token: string) => void
  /** The next requests get these instead of an answer: a status, or silence. */
  misbehave: (...faults: readonly (number | 'silent')[]) => void
  /** Operation and body of every request that was let in. */
  requests: readonly Readonly<{ operation: string; body: string }>[]
  close: () => Promise<void>
}>

type Key = { versions: Buffer[]; minDecryptionVersion: number }
type Body = Readonly<{ plaintext?: string; ciphertext?: string; associated_data?: string }>
const nonceLength = 12
const tagLength = 16

class Refused extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** `tls`: PEM; without it, plain HTTP. */
export async function startTransitServer(
  keys: readonly string[],
  token: string,
  tls?: Readonly<{ cert: string; key: string }>,
): Promise<TransitServer> {
  const ring = new Map<string, Key>(keys.map((name) => [name, { versions: [randomBytes(32)], minDecryptionVersion: 1 }]))
  const tokens = new Set([token])
  const faults: (number | 'silent')[] = []
  const requests: { operation: string; body: string }[] = []
  const keyNamed = (name: string): Key => {
    const key = ring.get(name)
    if (key === undefined) throw new Refused(400, 'encryption key not found')
    return key
  }
  const answerTo = async (request: IncomingMessage): Promise<unknown> => {
    const text = await textOf(request)
    if (!tokens.has(String(request.headers['x-vault-token']))) throw new Refused(403, 'permission denied')
    const [, api, mount, operation = '', name = ''] = (request.url ?? '').split('/')
    if (request.method !== 'POST' || api !== 'v1' || mount !== 'transit') throw new Refused(404, 'no handler for route')
    requests.push({ operation, body: text })
    const body = JSON.parse(text) as Body // a client that sends something else gets a 400 below
    if (operation === 'encrypt') return encrypt(keyNamed(name), body)
    if (operation === 'decrypt') return { plaintext: decrypt(keyNamed(name), body).toString('base64') }
    throw new Refused(404, 'no handler for route')
  }
  const listener: RequestListener = (request, response) => {
    const fault = faults.shift()
    if (fault === 'silent') return
    if (fault !== undefined) return send(response, fault, { errors: ['Vault is sealed'] })
    answerTo(request).then(
      (data) => send(response, 200, { request_id: 'a-request', lease_duration: 0, data }),
      (error: unknown) => {
        const status = error instanceof Refused ? error.status : 500
        send(response, status, { errors: [error instanceof Error ? error.message : 'unknown'] })
      },
    )
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer({ ...tls }, listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // a listening TCP server has one
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    rotate: (name) => void keyNamed(name).versions.push(randomBytes(32)),
    forget: (name, version) => void (keyNamed(name).minDecryptionVersion = version),
    revoke: (revoked) => void tokens.delete(revoked),
    misbehave: (...next) => void faults.push(...next),
    requests,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function encrypt({ versions }: Key, { plaintext, associated_data: aad = '' }: Body) {
  if (plaintext === undefined) throw new Refused(400, 'missing plaintext to encrypt')
  const nonce = randomBytes(nonceLength)
  const cipher = createCipheriv('aes-256-gcm', versions.at(-1) ?? Buffer.alloc(0), nonce)
  cipher.setAAD(Buffer.from(aad, 'base64'))
  const sealed = Buffer.concat([nonce, cipher.update(Buffer.from(plaintext, 'base64')), cipher.final(), cipher.getAuthTag()])
  return { ciphertext: `vault:v${versions.length}:${sealed.toString('base64')}`, key_version: versions.length }
}

function decrypt({ versions, minDecryptionVersion }: Key, { ciphertext = '', associated_data: aad = '' }: Body): Buffer {
  const [prefix, version = '', text = ''] = ciphertext.split(':')
  if (prefix !== 'vault') throw new Refused(400, 'invalid ciphertext: no prefix')
  const number = Number(version.slice(1))
  const key = versions[number - 1]
  if (key === undefined) throw new Refused(400, 'invalid ciphertext: version is too new')
  if (number < minDecryptionVersion) {
    throw new Refused(400, 'ciphertext or signature version is disallowed by policy (too old)')
  }
  const sealed = Buffer.from(text, 'base64')
  if (sealed.toString('base64') !== text) throw new Refused(400, 'invalid ciphertext: could not decode base64')
  if (sealed.length < nonceLength + tagLength) throw new Refused(400, 'invalid ciphertext length')
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceLength))
  decipher.setAAD(Buffer.from(aad, 'base64')).setAuthTag(sealed.subarray(-tagLength))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(nonceLength, -tagLength)), decipher.final()])
  } catch {
    throw new Refused(400, 'cipher: message authentication failed')
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function send(response: ServerResponse, status: number, body: unknown): void {
  if (status >= 300 && status < 400) response.setHeader('location', 'http://127.0.0.1:1/elsewhere')
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
