/** The operator's hook, asked over real HTTP. */
import { createHash, createPublicKey, verify } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { bytesToHex } from '@noble/hashes/utils.js'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import type { NamedFile } from '../../../src/edge/tls/pem-files.ts'
import { approveByPolicy, denyAllSigning } from '../../../src/party/approval.ts'
import { systemClock } from '../../../src/party/clock.ts'
import { isHookUrl, policyHook } from '../../../src/party/server/policy-hook.ts'
import type { SignTerms } from '../../../src/party/session/terms.ts'
import { policyHash } from '../../../src/policy/key-policy.ts'
import { createAuthority, openCertificateFolder, type Issued } from '../../setup/certificates.ts'
import { alice, approvalBy, policy } from '../policy/fixtures.ts'
import { identityOf } from './fixtures/parties.ts'

const identity = await identityOf('server')
const deviceId = 'server_001'
const terms: SignTerms = {
  kind: 'sign',
  sessionId: 'session-1',
  keyId: 'key-1',
  publicKey: 'ab'.repeat(65),
  keyType: 'ecdsa-secp256k1',
  thresholdT: 2,
  thresholdN: 3,
  partyIds: ['device', 'server'],
  message: new Uint8Array(32).fill(5),
  policy: policy(),
  approvals: [await approvalBy(alice)],
}

type Asked = Readonly<{ headers: IncomingMessage['headers']; body: string; method: string; path: string }>
type Answer = (response: ServerResponse, requestId: string, asked: Asked) => void

const yes: Answer = (response, requestId) => response.end(JSON.stringify({ request_id: requestId, allow: true }))

type Secured = Readonly<{ served: Issued; authorities: NamedFile | null }>

async function hookThat(answer: Answer, timeoutMs = 10_000, secured: Secured | null = null) {
  const asked: Asked[] = []
  const listener: RequestListener = (request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      const { headers, method = '', url: path = '' } = request
      const one = { headers, body, method, path }
      asked.push(one)
      answer(response, JSON.parse(body || '{}').request_id, one)
    })
  }
  const server = secured === null ? createServer(listener) : createTlsServer({ ...secured.served }, listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  // A listening TCP server's address is never a pipe name or null.
  const { port } = server.address() as AddressInfo
  const url = `${secured === null ? 'http' : 'https'}://127.0.0.1:${port}/may-sign`
  const authorities = secured?.authorities ?? null
  const hook = policyHook({ url, authorities, timeoutMs, deviceId, identity, clock: systemClock })
  return { url, hook, asked, server }
}

const decide = (hook: Awaited<ReturnType<typeof hookThat>>['hook'], what = terms) =>
  hook.decide(what, new AbortController().signal)

test('the hook is asked with everything that matters, and its yes is a yes', async () => {
  const { hook, asked } = await hookThat(yes)
  expect(await decide(hook)).toMatchObject({ allow: true })
  expect(asked).toHaveLength(1)
  expect(asked[0]).toMatchObject({ method: 'POST', path: '/may-sign' })
  expect(asked[0]?.headers).toMatchObject({ 'content-type': 'application/json', 'mpc-device-id': deviceId })
  const [approval] = terms.approvals
  expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
    version: 1,
    request_id: asked[0]?.headers['mpc-request-id'],
    device_id: deviceId,
    session_id: 'session-1',
    key_id: 'key-1',
    key_type: 'ecdsa-secp256k1',
    public_key: terms.publicKey,
    threshold_t: 2,
    threshold_n: 3,
    participants: ['device', 'server'],
    message_hash: '05'.repeat(32),
    policy_hash: bytesToHex(policyHash(policy())),
    approvals: [{ approver: approval?.approver, nonce: approval?.nonce, expires_at: approval?.expiresAt }],
  })
})

test('of an Ed25519 key the message is sent, and of a key without a policy no approvals', async () => {
  const { hook, asked } = await hookThat(yes)
  const message = new TextEncoder().encode('Ed25519 signs messages')
  await decide(hook, { ...terms, keyType: 'eddsa-ed25519', message, policy: null })
  expect(JSON.parse(asked[0]?.body ?? '')).toMatchObject({
    message: Buffer.from(message).toString('base64'),
    policy_hash: null,
    approvals: [],
  })
  expect(JSON.parse(asked[0]?.body ?? '')).not.toHaveProperty('message_hash')
})

test('OpenSSL verifies the signature of the question as documented, and of no other', async () => {
  const { hook, asked, url } = await hookThat(yes)
  await decide(hook)
  const { headers, body = '' } = asked[0] ?? {}
  const part = (bytes: Uint8Array | string) => {
    const content = Buffer.from(bytes)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(content.length)
    return Buffer.concat([length, content])
  }
  const timestamp = Buffer.alloc(8)
  timestamp.writeBigUInt64BE(BigInt(String(headers?.['mpc-timestamp'])))
  const signedBytes = (signedBody: string) =>
    Buffer.concat([
      part('mpc-system/v1/policy-hook'),
      part(deviceId),
      part(url),
      part(String(headers?.['mpc-request-id'])),
      part(timestamp),
      part(createHash('sha256').update(signedBody).digest()),
    ])
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), identity.publicKey])
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  const signature = Buffer.from(String(headers?.['mpc-signature']), 'hex')
  expect(verify(null, signedBytes(body), key, signature)).toBe(true)
  expect(verify(null, signedBytes(body.replace('key-1', 'key-2')), key, signature)).toBe(false)
  expect(Math.abs(Number(headers?.['mpc-timestamp']) - Date.now())).toBeLessThan(60_000)
})

test('every question has an id of its own', async () => {
  const { hook, asked } = await hookThat(yes)
  await decide(hook)
  await decide(hook)
  expect(new Set(asked.map(({ headers }) => headers['mpc-request-id'])).size).toBe(2)
})

const json = (body: unknown): Answer => (response) => void response.end(JSON.stringify(body))

test.each<[string, string, Answer]>([
  ['a no', 'denied', (response, id) => response.end(JSON.stringify({ request_id: id, allow: false }))],
  ['a yes that is no boolean', 'denied', (response, id) => response.end(JSON.stringify({ request_id: id, allow: 'true' }))],
  ['nothing about it', 'denied', (response, id) => response.end(JSON.stringify({ request_id: id }))],
  ['a yes to another request', 'answered to another request', json({ request_id: 'other', allow: true })],
  ['a yes to no request', 'answered to another request', json({ allow: true })],
  ['a list', 'answered to another request', json([true])],
  ['a bare yes', 'answered with something else than an object', json(true)],
  ['text', 'answered with something else than JSON', (response) => response.end('allow')],
  ['nothing', 'answered with something else than JSON', (response) => response.end()],
  ['an error', 'answered with status 500', (response, id, asked) => yes(response.writeHead(500), id, asked)],
  ['another success', 'answered with status 201', (response, id, asked) => yes(response.writeHead(201), id, asked)],
  [
    'a redirect',
    'answered with status 307',
    (response) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end(),
  ],
  [
    'a yes and far too much more',
    'answered with more than 16384 bytes',
    (response, id) => response.end(JSON.stringify({ request_id: id, allow: true, more: 'x'.repeat(20_000) })),
  ],
  ['a broken connection', 'cannot be asked: ', (response) => response.destroy()],
])('%s is a no', async (_what, problem, answer) => {
  const { hook } = await hookThat(answer)
  const { allow, detail } = await decide(hook)
  expect(allow).toBe(false)
  expect(detail).toMatch(/^policy hook request [0-9a-f-]{36}: /)
  expect(detail).toContain(problem)
})

test.each<[string, Answer]>([
  ['no answer', () => {}],
  [
    'an answer that does not end',
    (response, id) => void response.write(JSON.stringify({ request_id: id, allow: true })),
  ],
])('%s in time is a no', async (_what, answer) => {
  const { hook } = await hookThat(answer, 200)
  expect(await decide(hook)).toMatchObject({ allow: false, detail: expect.stringContaining('no answer within 200 ms') })
})

test('a hook that is not there is a no', async () => {
  const { hook, server } = await hookThat(yes)
  await new Promise((resolve) => server.close(resolve))
  expect(await decide(hook)).toMatchObject({ allow: false, detail: expect.stringContaining('cannot be asked') })
})

describe('over https, where the operator has an authority of their own', () => {
  const [own, foreign] = [createAuthority('own'), createAuthority('foreign')]
  const files = openCertificateFolder()
  afterAll(files.remove)
  const variable = 'MPC_POLICY_HOOK_CA_FILE'
  const fileOf = (pem: string): NamedFile => ({ variable, path: files.write('hook-ca.pem', pem) })
  const secured = (authorities: NamedFile | null, served = own.issue(['127.0.0.1'])) =>
    hookThat(yes, 10_000, { served, authorities })

  test('a hook with a certificate of it is asked', async () => {
    const { hook, asked } = await secured(fileOf(own.cert))
    expect(await decide(hook)).toMatchObject({ allow: true })
    expect(asked).toHaveLength(1)
  })

  test.each<[string, () => NamedFile | null]>([
    ['another authority in the file', () => fileOf(foreign.cert)],
    ['no file', () => null],
  ])('a hook is told nothing with %s, and the reason names the variable', async (_what, authorities) => {
    const { hook, asked } = await secured(authorities())
    expect(await decide(hook)).toMatchObject({ allow: false, detail: expect.stringContaining(`${variable} must hold`) })
    expect(asked).toEqual([])
  })

  test('a certificate for another name, or one that has expired, is a no', async () => {
    const named = await secured(fileOf(own.cert), own.issue(['hook.example']))
    expect(await decide(named.hook)).toMatchObject({ allow: false, detail: expect.stringContaining('cannot be asked') })
    const old = await secured(fileOf(own.cert), own.issue(['127.0.0.1'], { toMs: Date.now() - 1000 }))
    expect(await decide(old.hook)).toMatchObject({ allow: false, detail: expect.stringMatching(/expired/) })
    expect([...named.asked, ...old.asked]).toEqual([])
  })

  test('a file that was changed counts from the next question on, and one that is being written does not', async () => {
    const authorities = fileOf(foreign.cert)
    const { hook } = await secured(authorities)
    expect(await decide(hook)).toMatchObject({ allow: false })
    fileOf(own.cert)
    expect(await decide(hook)).toMatchObject({ allow: true })
    fileOf(own.cert.slice(0, 60))
    expect(await decide(hook)).toMatchObject({ allow: true })
  })
})

test('a party asks its hook last, and only about what is allowed without it', async () => {
  const { hook, asked } = await hookThat((response, id) =>
    response.end(JSON.stringify({ request_id: id, allow: asked.length === 1 })),
  )
  const approve = approveByPolicy(denyAllSigning, hook)
  const signal = new AbortController().signal
  expect(await approve({ ...terms, policy: null }, signal)).toMatchObject({ kind: 'decline', reason: 'declined' })
  expect(asked).toHaveLength(0)
  expect(await approve(terms, signal)).toEqual({ kind: 'approve' })
  expect(await approve(terms, signal)).toMatchObject({ kind: 'decline', reason: 'declined' })
})

test.each([
  ['https://hook.example.com/sign', true],
  ['http://localhost:9000/sign', true],
  ['http://127.0.0.1:9000/sign', true],
  ['http://[::1]:9000/sign', true],
  ['http://hook.example.com/sign', false],
  ['http://10.0.0.1/sign', false],
  ['http://127.0.0.1.example.com/sign', false],
  ['https://user:password@hook.example.com/', false],
  ['ftp://localhost/sign', false],
  ['hook', false],
])('a hook may be at %s: %s', (url, allowed) => {
  expect(isHookUrl(url)).toBe(allowed)
})
