import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { edgeConfigFromEnv } from '../../../src/edge/config.ts'
import { eventLogVariables, httpUrlVariable, readEnv } from '../../../src/edge/environment.ts'
import { defaultLimits } from '../../../src/edge/limits.ts'
import { readSecretKeyFile } from '../../../src/edge/secret-key-file.ts'
import { parseNatsAddress } from '../../../src/events/nats-address.ts'

const defaults = { grpcPort: 50051, httpPort: 8080 }
const configure = (env: NodeJS.ProcessEnv) =>
  edgeConfigFromEnv({ MPC_PLAINTEXT: 'behind-proxy', ...env }, defaults)
const folder = mkdtempSync(join(tmpdir(), 'edge-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 })
  return path
}

test('without any variable but that of its proxy the service is closed, on the documented ports, without reflection', () => {
  expect(configure({})).toMatchObject({
    host: '0.0.0.0',
    grpcPort: 50051,
    httpPort: 8080,
    openMode: false,
    reflection: false,
    corsOrigins: [],
  })
})

test('open mode is on loopback, with reflection', () => {
  expect(configure({ MPC_OPEN_MODE: 'true' })).toMatchObject({
    host: '127.0.0.1',
    openMode: true,
    reflection: true,
  })
})

test.each(['127.0.0.2', '::1', 'localhost'])('open mode accepts %s', (MPC_HOST) => {
  expect(configure({ MPC_OPEN_MODE: 'true', MPC_HOST }).host).toBe(MPC_HOST)
})

test('empty variables count as absent', () => {
  expect(configure({ MPC_GRPC_PORT: '', MPC_OPEN_MODE: '' }).grpcPort).toBe(50051)
})

test.each([
  ['MPC_HOST', { MPC_OPEN_MODE: 'true', MPC_HOST: '0.0.0.0' }],
  ['MPC_HOST', { MPC_OPEN_MODE: 'true', MPC_HOST: '192.168.1.7' }],
  ['MPC_HOST', { MPC_HOST: 'a b' }],
  ['MPC_OPEN_MODE', { MPC_OPEN_MODE: 'yes' }],
  ['MPC_GRPC_PORT', { MPC_GRPC_PORT: 'http' }],
  ['MPC_HTTP_PORT', { MPC_HTTP_PORT: '65536' }],
  ['MPC_HTTP_PORT', { MPC_HTTP_PORT: '80.5' }],
  ['MPC_CORS_ORIGINS', { MPC_CORS_ORIGINS: '*' }],
  ['MPC_CORS_ORIGINS', { MPC_CORS_ORIGINS: 'null' }],
  ['MPC_CORS_ORIGINS', { MPC_CORS_ORIGINS: 'https://a.example, https://b.example/path' }],
  ['MPC_REFLECTION', { MPC_REFLECTION: '1' }],
  ['MPC_MAX_BODY_BYTES', { MPC_MAX_BODY_BYTES: '-1' }],
  ['MPC_API_KEYS_FILE', { MPC_API_KEYS_FILE: join(folder, 'absent.json') }],
  ['MPC_API_KEYS_FILE', { MPC_API_KEYS_FILE: file('no-json', '{') }],
  ['MPC_API_KEYS_FILE', { MPC_API_KEYS_FILE: file('no-list', {}) }],
  ['MPC_API_KEYS_FILE', { MPC_API_KEYS_FILE: file('no-hash', [{ name: 'a', sha256: 'secret', scopes: ['audit'] }]) }],
  [
    'MPC_API_KEYS_FILE',
    { MPC_API_KEYS_FILE: file('scope', [{ name: 'a', sha256: '0'.repeat(64), scopes: ['everything'] }]) },
  ],
  [
    'MPC_API_KEYS_FILE',
    {
      MPC_API_KEYS_FILE: file('twice', [
        { name: 'a', sha256: '0'.repeat(64), scopes: ['audit'] },
        { name: 'a', sha256: '1'.repeat(64), scopes: ['audit'] },
      ]),
    },
  ],
])('a wrong %s is named (%o)', (variable, env) => {
  expect(() => configure(env)).toThrow(
    expect.objectContaining({ name: 'ConfigurationError', variable, message: expect.stringMatching(`^${variable}: `) }),
  )
})

test('origins are a comma list', () => {
  const { corsOrigins } = configure({ MPC_CORS_ORIGINS: 'https://a.example, http://localhost:3000' })
  expect(corsOrigins).toEqual(['https://a.example', 'http://localhost:3000'])
})

describe('the API key file', () => {
  const key = `mpc_key_${'k'.repeat(43)}`
  const sha256 = createHash('sha256').update(key).digest('hex')
  const keys = [
    { name: 'first', sha256: '0'.repeat(64), scopes: ['audit'] },
    { name: 'wallet', sha256, scopes: ['sessions', 'accounts'] },
  ]
  const { apiKeys } = configure({ MPC_API_KEYS_FILE: file('keys', keys) })

  test('lets its keys in', () => {
    expect(apiKeys.find(key)).toEqual({ name: 'wallet', scopes: ['sessions', 'accounts'] })
  })
  test.each([`${key}k`, key.slice(0, -1), sha256, ''])('lets nobody else in (%s)', (token) => {
    expect(apiKeys.find(token)).toBeNull()
  })
  test('that holds a key instead of its hash does not put it into the error', () => {
    const path = file('leak', [{ name: 'a', sha256: key, scopes: ['audit'] }])
    expect(() => configure({ MPC_API_KEYS_FILE: path })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(key) }),
    )
  })
})

describe('other variables', () => {
  const schema = z.object({ MPC_ROUTER_URL: httpUrlVariable })
  test('are named when missing', () => {
    expect(() => readEnv(schema, {})).toThrow('MPC_ROUTER_URL: must be set')
  })
  test('are named when wrong', () => {
    expect(() => readEnv(schema, { MPC_ROUTER_URL: 'localhost' })).toThrow(
      'MPC_ROUTER_URL: must be an http:// or https:// URL',
    )
  })
})

test.each([
  ['MPC_MAX_BODY_BYTES', '2048', 'maxBodyBytes'],
  ['MPC_MAX_ARRIVING_BYTES', '4096', 'arrivingBytes'],
  ['MPC_MAX_ARRIVING_BYTES_PER_ADDRESS', '4096', 'arrivingBytesPerAddress'],
  ['MPC_MAX_JSON_DEPTH', '20', 'maxJsonDepth'],
  ['MPC_MAX_HEADER_BYTES', '8192', 'maxHeaderBytes'],
  ['MPC_MAX_CONNECTIONS', '7', 'maxConnections'],
  ['MPC_MAX_CONCURRENT_STREAMS', '7', 'maxConcurrentStreams'],
  ['MPC_MAX_STREAMS_PER_CALLER', '7', 'streamsPerCaller'],
  ['MPC_RATE_LIMIT', '7', 'callsPerSecond'],
  ['MPC_RATE_LIMIT_BURST', '0', 'callBurst'],
  ['MPC_RATE_LIMIT_PER_ADDRESS', '7', 'callsPerSecondPerAddress'],
  ['MPC_TLS_HANDSHAKE_LIMIT', '7', 'tlsHandshakesPerSecond'],
  ['MPC_AUTH_FAILURE_LIMIT', '7', 'authFailuresPerMinute'],
  ['MPC_REQUEST_TIMEOUT_MS', '700', 'requestTimeoutMs'],
  ['MPC_SLOW_CLIENT_MS', '700', 'slowClientMs'],
  ['MPC_CLOSE_GRACE_MS', '7', 'closeGraceMs'],
  ['MPC_TRUSTED_PROXIES', '2', 'trustedProxies'],
] as const)('%s=%s sets %s, and nonsense is refused by name', (variable, value, limit) => {
  const { limits } = configure({ [variable]: value })
  expect(limits).toEqual({ ...defaultLimits, [limit]: Number(value) })
  for (const nonsense of ['-1', '1.5', 'many', '1e12'])
    expect(() => configure({ [variable]: nonsense })).toThrow(variable)
})

describe('a key file', () => {
  test('holds 32 bytes as hex', () => {
    const path = file('kek', `${'0f'.repeat(32)}\n`)
    expect(readSecretKeyFile('MPC_KEK_FILE', path)).toEqual(new Uint8Array(32).fill(0x0f))
  })
  test.each([0o640, 0o604, 0o620])('that others may use is refused (mode %o)', (mode) => {
    const path = file('open', '0f'.repeat(32))
    chmodSync(path, mode)
    expect(() => readSecretKeyFile('MPC_KEK_FILE', path)).toThrow(/^MPC_KEK_FILE: \S+ may be read by other users/)
  })
  test.each(['ab', `${'zz'.repeat(32)}`])('with anything else is refused without quoting it (%s)', (content) => {
    expect(() => readSecretKeyFile('MPC_KEK_FILE', file('bad', content))).toThrow(
      /^MPC_KEK_FILE: \S+ must hold 64 hex digits$/,
    )
  })
  test('that is absent is named', () => {
    const absent = () => readSecretKeyFile('MPC_KEK_FILE', join(folder, 'absent'))
    expect(absent).toThrow(/^MPC_KEK_FILE: \S+ cannot be read$/)
  })
})

describe('variables of services that write to the event log', () => {
  const schema = z.object(eventLogVariables(parseNatsAddress))

  test('one replica and default sizes where nothing is said', () => {
    expect(readEnv(schema, { NATS_URL: 'nats://127.0.0.1:4222' })).toEqual({
      NATS_URL: 'nats://127.0.0.1:4222',
      MPC_NATS_REPLICAS: 1,
    })
  })

  test.each([
    ['NATS_URL', 'http://127.0.0.1:4222'],
    ['NATS_URL', 'nats://'],
    ['NATS_URL', 'nats://a:4222,ftp://b'],
    ['MPC_NATS_REPLICAS', '6'],
    ['MPC_SESSIONS_MAX_BYTES', '1000'],
    ['MPC_MESSAGES_MAX_BYTES', '2.5e6x'],
  ])('%s=%s is refused by name', (variable, value) => {
    expect(() => readEnv(schema, { NATS_URL: 'nats://127.0.0.1:4222', [variable]: value })).toThrow(variable)
  })
})
