import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { edgeConfigFromEnv } from '../../../src/edge/config.ts'
import { addressToListenOn } from '../../../src/edge/listening.ts'
import { natsAccessFromEnv } from '../../../src/edge/nats-access.ts'
import { createHandshakeLimit } from '../../../src/edge/tls/handshake-limit.ts'
import { clientTlsFromEnv, requireHttps } from '../../../src/edge/tls/tls-config.ts'
import { createAuthority, openCertificateFolder } from '../../setup/certificates.ts'

const folder = openCertificateFolder()
afterAll(folder.remove)

const authority = createAuthority('authority')
const hourMs = 3_600_000
const ca = folder.write('ca.pem', authority.cert)
const good = folder.writePair('good', authority.issue(['localhost']))
const other = folder.writePair('other', authority.issue(['localhost']))
const expired = folder.writePair('expired', authority.issue(['localhost'], { toMs: Date.now() - hourMs }))
const future = folder.writePair('future', authority.issue(['localhost'], { fromMs: Date.now() + hourMs }))
const noPem = folder.write('no.pem', 'not PEM')
const sealed = folder.write('sealed.key', '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----')
const open = folder.write('open.key', 'a key')
chmodSync(open, 0o640)
const absent = join(folder.folder, 'absent')

const defaults = { grpcPort: 0, httpPort: 0 }
const [cert, key, clientCa] = ['MPC_TLS_CERT_FILE', 'MPC_TLS_KEY_FILE', 'MPC_TLS_CLIENT_CA_FILE'] as const
const names = { MPC_TLS_CLIENT_NAMES: 'a' }
const pair = { [cert]: good.cert, [key]: good.key }

test.each([
  [cert, 'must be set where MPC_TLS_KEY_FILE is', { [key]: good.key }],
  [key, 'must be set where MPC_TLS_CERT_FILE is', { [cert]: good.cert }],
  [cert, 'cannot be read', { ...pair, [cert]: absent }],
  [key, 'cannot be read', { ...pair, [key]: absent }],
  [cert, 'does not hold certificates', { ...pair, [cert]: noPem }],
  [key, 'without a passphrase', { ...pair, [key]: noPem }],
  [key, 'without a passphrase', { ...pair, [key]: sealed }],
  [key, 'chmod 600', { ...pair, [key]: open }],
  [key, `is not the key of the certificate in ${good.cert}`, { ...pair, [key]: other.key }],
  [cert, 'expired on', { [cert]: expired.cert, [key]: expired.key }],
  [cert, 'is not valid before', { [cert]: future.cert, [key]: future.key }],
  [clientCa, 'does not hold certificates', { ...pair, [clientCa]: noPem }],
  [clientCa, 'has expired', { ...pair, [clientCa]: expired.cert }],
  [clientCa, 'needs MPC_TLS_CERT_FILE', { [clientCa]: ca }],
  ['MPC_TLS_CLIENT_NAMES', 'needs MPC_TLS_CLIENT_CA_FILE', { ...pair, ...names }],
  ['MPC_TLS_CLIENT_PORTS', 'needs MPC_TLS_CLIENT_CA_FILE', { ...pair, MPC_TLS_CLIENT_PORTS: 'both' }],
  ['MPC_TLS_CLIENT_PORTS', 'must be grpc or both', { ...pair, [clientCa]: ca, MPC_TLS_CLIENT_PORTS: 'http' }],
  ['MPC_TLS_CLIENT_NAMES', 'must be DNS names', { ...pair, [clientCa]: ca, MPC_TLS_CLIENT_NAMES: '*.mpc' }],
])('a wrong %s is named: %s', (variable, problem, env) => {
  const configure = () => edgeConfigFromEnv({ MPC_HOST: '127.0.0.1', ...env }, defaults)
  expect(configure).toThrow(expect.objectContaining({ name: 'ConfigurationError', variable }))
  expect(configure).toThrow(problem)
})

describe('plain text', () => {
  const tlsOf = (env: NodeJS.ProcessEnv) => edgeConfigFromEnv(env, defaults).tls

  test.each(['0.0.0.0', '::', '10.0.0.7', 'mpc.example'])('is not spoken on %s by oversight', (MPC_HOST) => {
    expect(() => tlsOf({ MPC_HOST })).toThrow(/^MPC_TLS_CERT_FILE: must be set to listen on .*MPC_PLAINTEXT=behind-proxy/)
    expect(tlsOf({ MPC_HOST, MPC_PLAINTEXT: 'behind-proxy' })).toBeNull()
    expect(tlsOf({ MPC_HOST, ...pair })).toMatchObject({ clientCa: null })
  })

  test('is spoken on loopback, and where a proxy is said to be in front', () => {
    expect(tlsOf({ MPC_HOST: '127.0.0.1' })).toBeNull()
    expect(() => tlsOf({ MPC_PLAINTEXT: 'true' })).toThrow(/^MPC_PLAINTEXT: must be behind-proxy/)
  })
})

describe('open mode', () => {
  test.each(['0.0.0.0', '::', '::ffff:10.0.0.7', '::ffff:127.0.0.1', '10.0.0.7', '127.evil', 'localhost.evil.example'])(
    'does not listen on %s, also with TLS',
    async (MPC_HOST) => {
      const env = { MPC_OPEN_MODE: 'true', MPC_HOST, ...pair }
      expect(() => edgeConfigFromEnv(env, defaults)).toThrow(/^MPC_HOST: /)
      await expect(addressToListenOn(MPC_HOST, true)).rejects.toMatchObject({ variable: 'MPC_HOST' })
    },
  )

  test('listens on what a loopback name resolves to, where that is loopback', async () => {
    expect(await addressToListenOn('localhost', true, async () => ({ address: '127.0.0.1' }))).toBe('127.0.0.1')
    const elsewhere = addressToListenOn('localhost', true, async () => ({ address: '10.0.0.7' }))
    await expect(elsewhere).rejects.toThrow('MPC_HOST: "localhost" is 10.0.0.7 on this machine')
  })
})

describe('connections to other services', () => {
  const files = { MPC_TLS_CA_FILE: ca, MPC_TLS_CLIENT_CERT_FILE: good.cert, MPC_TLS_CLIENT_KEY_FILE: good.key }

  test('trust and show what the environment says', () => {
    expect(clientTlsFromEnv({})).toBeNull()
    expect(clientTlsFromEnv(files)).toMatchObject({ authorities: { path: ca }, keyPair: { cert: { path: good.cert } } })
  })

  test.each([
    ['MPC_TLS_CA_FILE', { ...files, MPC_TLS_CA_FILE: absent }],
    ['MPC_TLS_CLIENT_KEY_FILE', { ...files, MPC_TLS_CLIENT_KEY_FILE: other.key }],
    ['MPC_TLS_CLIENT_CERT_FILE', { MPC_TLS_CLIENT_KEY_FILE: good.key }],
    ['MPC_TLS_CLIENT_CERT_FILE', { ...files, MPC_TLS_CLIENT_CERT_FILE: expired.cert }],
  ])('a wrong %s is named', (variable, env) => {
    expect(() => clientTlsFromEnv(env)).toThrow(expect.objectContaining({ name: 'ConfigurationError', variable }))
  })

  test('that are told to show a certificate are not made without TLS', () => {
    const tls = clientTlsFromEnv(files)
    expect(() => requireHttps('MPC_ROUTER_URL', 'http://router:50052', tls)).toThrow(/^MPC_ROUTER_URL: must be an https/)
    expect(() => requireHttps('MPC_ROUTER_URL', 'https://router:50052', tls)).not.toThrow()
    expect(() => requireHttps('MPC_ROUTER_URL', 'http://router:50052', null)).not.toThrow()
  })
})

describe('access to NATS', () => {
  const seed = `SU${'A'.repeat(56)}`

  test('is by nkey and TLS, whose files default to those for other services', () => {
    const files = { NATS_NKEY_SEED_FILE: folder.write('user.seed', `${seed}\n`), MPC_TLS_CA_FILE: ca }
    expect(natsAccessFromEnv({})).toEqual({})
    expect(natsAccessFromEnv(files)).toEqual({ nkeySeed: new TextEncoder().encode(seed), tls: { caFile: ca } })
    const own = folder.write('nats-ca.pem', createAuthority('nats').cert)
    expect(natsAccessFromEnv({ ...files, NATS_TLS_CA_FILE: own }).tls).toEqual({ caFile: own })
  })

  test('is refused by name for a seed that others may read or that is none, without showing it', () => {
    const env = (name: string, text: string) => ({ NATS_NKEY_SEED_FILE: folder.write(name, text) })
    const account = env('account.seed', `SA${'C'.repeat(56)}`)
    expect(() => natsAccessFromEnv(account)).toThrow(/^NATS_NKEY_SEED_FILE: \S+ must hold a user's seed \(SU…\)$/)
    const readable = env('readable.seed', seed)
    chmodSync(readable.NATS_NKEY_SEED_FILE, 0o644)
    expect(() => natsAccessFromEnv(readable)).toThrow(/^NATS_NKEY_SEED_FILE: \S+ may be read by other users/)
  })
})

test('a handshake limit counts each address by itself, and anew each second', () => {
  let nowMs = 10_000
  const isWithin = createHandshakeLimit(2, () => nowMs)
  expect(['a', 'a', 'a', 'b'].map(isWithin)).toEqual([true, true, false, true])
  nowMs = 11_000
  expect(isWithin('a')).toBe(true)
})
