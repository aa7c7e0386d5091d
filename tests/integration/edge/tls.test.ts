import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { get } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { ConnectError, createClient } from '@connectrpc/connect'
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node'
import * as grpc from '@grpc/grpc-js'
import { afterAll, afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { connectService } from '../../../src/edge/service-client.ts'
import { Health } from '../../../src/gen/grpc/health/v1/health_pb.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { SessionFeed } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { createAuthority, openCertificateFolder, type Issued } from '../../setup/certificates.ts'
import { grpcClient, unary } from './grpc-js-client.ts'
import { serveSample, type Sample, type SampleOptions } from './sample-service.ts'

const folder = openCertificateFolder()
afterAll(folder.remove)

const [ours, theirs] = [createAuthority('ours'), createAuthority('theirs')]
const caFile = folder.write('ca.pem', ours.cert)
const theirCaFile = folder.write('their-ca.pem', theirs.cert)
const server = folder.writePair('server', ours.issue(['localhost', '127.0.0.1']))
const party = ours.issue(['server-party-1'])
const partyFiles = folder.writePair('party', party)
const withTls = { MPC_TLS_CERT_FILE: server.cert, MPC_TLS_KEY_FILE: server.key }
const withClients = { ...withTls, MPC_TLS_CLIENT_CA_FILE: caFile }

let sample: Sample
afterEach(() => sample.close())

async function serve(env: NodeJS.ProcessEnv = withTls, options: Omit<SampleOptions, 'env'> = {}): Promise<void> {
  sample = await serveSample({ env, limits: { closeGraceMs: 200 }, ...options })
}

const named = (variable: string, path: string) => ({ variable, path })
const trusting = (ca = caFile) => ({ authorities: named('CA', ca), keyPair: null })
const showing = (pair: Readonly<{ cert: string; key: string }>, ca = caFile) => ({
  authorities: named('CA', ca),
  keyPair: { cert: named('CERT', pair.cert), key: named('KEY', pair.key) },
})

async function call(tls: Parameters<typeof connectService>[1], url = sample.grpcUrl): Promise<unknown> {
  const connection = connectService(url, tls)
  onTestFinished(connection.close)
  return connection
    .client(SessionCoordinator)
    .getSessionStatus({ sessionId: 's1' })
    .then(({ sessionId }) => sessionId, ConnectError.from)
}

async function logged(text: string): Promise<void> {
  await loggedTimes(text, 1)
}

async function loggedTimes(text: string, times: number): Promise<void> {
  await expect.poll(() => sample.logText().split(text).length - 1, { timeout: 20_000 }).toBe(times)
}

/** Status of GET /health, or the code of what went wrong. */
async function health(options: ConnectionOptions = { ca: ours.cert }): Promise<unknown> {
  return new Promise((resolve) => {
    const request = get(`${sample.httpUrl}/health`, { ...options, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
  })
}

async function metric(name: string): Promise<number> {
  const text = await new Promise<string>((resolve) =>
    get(`${sample.httpUrl}/metrics`, { ca: ours.cert, agent: false }, async (response) =>
      resolve(Buffer.concat(await response.toArray()).toString()),
    ),
  )
  return Number(new RegExp(`^${name}\\S* (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
}

const address = (url: string) => ({ host: new URL(url).hostname, port: Number(new URL(url).port) })

/** Resolves when the peer has closed; what it sent until then. */
async function untilClosed(socket: ReturnType<typeof connectTcp>): Promise<string> {
  onTestFinished(() => void socket.destroy())
  const received: Buffer[] = []
  socket.on('data', (chunk: Buffer) => received.push(chunk)).on('error', () => undefined)
  if (!socket.closed) await once(socket, 'close')
  return Buffer.concat(received).toString('latin1')
}

describe('with a certificate', () => {
  test('both ports are announced as https and say so in the log', async () => {
    await serve()
    expect([sample.grpcUrl, sample.httpUrl]).toEqual([
      expect.stringMatching(/^https:\/\/127/),
      expect.stringMatching(/^https:\/\/127/),
    ])
    expect(sample.logText()).toContain(`"grpcUrl":"${sample.grpcUrl}"`)
  })

  test("Google's gRPC client calls the gRPC port", async () => {
    await serve()
    const credentials = grpc.credentials.createSsl(Buffer.from(ours.cert))
    const stub = grpcClient('grpc.health.v1.Health', sample.grpcUrl, credentials)
    onTestFinished(() => stub.close())
    expect((await unary(stub, 'Check', {})).answer).toMatchObject({ status: 'SERVING' })
  })

  test('REST, Connect, gRPC-web and health probes reach the HTTP port', async () => {
    await serve()
    const options = { baseUrl: sample.httpUrl, httpVersion: '1.1', nodeOptions: { ca: ours.cert } } as const
    for (const transport of [createConnectTransport(options), createGrpcWebTransport(options)]) {
      const { sessionId } = await createClient(SessionCoordinator, transport).getSessionStatus({ sessionId: 's1' })
      expect(sessionId).toBe('s1')
    }
    expect(await health()).toBe(200)
  })

  test('a WebSocket is opened, and closed with the service', async () => {
    await serve(withTls, {
      definition: {
        webSocketPaths: ['/ws'],
        http: (app, upgrade) =>
          app.get(
            '/ws',
            upgrade(() => ({ onOpen: (_, socket) => socket.send('hello') })),
          ),
      },
    })
    const socket = new WebSocket(`${sample.httpUrl.replace('https', 'wss')}/ws`, { ca: ours.cert })
    const [message] = (await once(socket, 'message')) as [Buffer]
    expect(message.toString()).toBe('hello')
    const closed = once(socket, 'close')
    await sample.close()
    expect((await closed)[0]).toBe(1001)
  })

  test('a client that trusts other authorities, or asks for another name, does not call', async () => {
    await serve()
    expect(await call({ tls: trusting() })).toBe('s1')
    expect(await call({ tls: trusting(theirCaFile) })).toMatchObject({ message: expect.stringMatching(/certificate/) })
    expect(await call({})).toMatchObject({ message: expect.stringMatching(/certificate/) })
    const elsewhere = sample.grpcUrl.replace('127.0.0.1', '127.0.0.2')
    await sample.close()
    await serve({ ...withTls, MPC_HOST: '127.0.0.2', MPC_GRPC_PORT: new URL(elsewhere).port })
    expect(await call({ tls: trusting() })).toMatchObject({ message: expect.stringMatching(/altnames|IP/i) })
  })

  test('TLS 1.1, and HTTP/1.1 on the gRPC port, are refused in the handshake', async () => {
    await serve()
    const attempt = async (url: string, options: ConnectionOptions) => {
      const socket = connectTls({ ...address(url), ca: ours.cert, ...options })
      onTestFinished(() => void socket.destroy())
      return once(socket, 'secureConnect').then(
        () => socket.getProtocol(),
        (error: NodeJS.ErrnoException) => error.code,
      )
    }
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    const second = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const
    for (const url of [sample.grpcUrl, sample.httpUrl]) {
      expect(await attempt(url, old)).toMatch(/^(ERR_SSL_|ECONNRESET)/)
      expect(await attempt(url, { ...second, ciphers: 'AES128-GCM-SHA256' })).toMatch(/^(ERR_SSL_|ECONNRESET)/)
      expect(await attempt(url, second)).toBe('TLSv1.2')
      expect(await attempt(url, {})).toBe('TLSv1.3')
    }
    expect(await attempt(sample.grpcUrl, { ALPNProtocols: ['http/1.1'] })).toMatch(/^(ERR_SSL_|ECONNRESET)/)
  })

  test('a web page does not reach the gRPC port, which browsers could speak to now', async () => {
    await serve()
    const session = connectHttp2(sample.grpcUrl, { ca: ours.cert })
    onTestFinished(() => void session.destroy())
    const statusOf = async (headers: Record<string, string>) => {
      const path = '/mpc.coordinator.v1.SessionCoordinator/GetSessionStatus'
      const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/json', ...headers })
      stream.end('{"sessionId":"s1"}')
      stream.resume()
      const [{ ':status': status }] = (await once(stream, 'response')) as [Record<string, unknown>]
      return status
    }
    expect(await statusOf({})).toBe(200)
    expect(await statusOf({ origin: 'https://evil.example' })).toBe(403)
    expect(await statusOf({ 'sec-fetch-site': 'same-origin' })).toBe(403)
  })
})

describe('with client certificates', () => {
  test('the gRPC port answers those of the authority only, the HTTP port everybody', async () => {
    await serve(withClients)
    expect(await call({ tls: showing(partyFiles) })).toBe('s1')
    expect(await call({ tls: trusting() })).toBeInstanceOf(ConnectError)
    const stranger = folder.writePair('stranger', theirs.issue(['server-party-1']))
    expect(await call({ tls: showing(stranger) })).toBeInstanceOf(ConnectError)
    const expired = ours.issue(['server-party-1'], { fromMs: Date.now() - 3_600_000, toMs: Date.now() - 1_000 })
    expect(await refused(expired)).toBe(true)
    expect(await refused(party)).toBe(false)
    expect(await health()).toBe(200)
    expect(await metric('mpc_tls_handshake_failures_total')).toBeGreaterThanOrEqual(3)
  })

  test("Google's gRPC client shows one", async () => {
    await serve(withClients)
    const ask = async (key?: Buffer, cert?: Buffer) => {
      const credentials = grpc.credentials.createSsl(Buffer.from(ours.cert), key ?? null, cert ?? null)
      const stub = grpcClient('grpc.health.v1.Health', sample.grpcUrl, credentials)
      onTestFinished(() => stub.close())
      return unary(stub, 'Check', {})
    }
    expect((await ask(Buffer.from(party.key), Buffer.from(party.cert))).answer).toMatchObject({ status: 'SERVING' })
    expect((await ask()).error?.code).toBe(grpc.status.UNAVAILABLE)
  })

  test('both ports ask for one where both are to', async () => {
    await serve({ ...withClients, MPC_TLS_CLIENT_PORTS: 'both' })
    expect(await health({ ca: ours.cert, ...party })).toBe(200)
    expect(await health()).toMatch(/^(ERR_SSL_|ECONNRESET)/)
    expect(await call({ tls: trusting() })).toBeInstanceOf(ConnectError)
  })

  test('only the names in MPC_TLS_CLIENT_NAMES are let in, neither wildcards nor common names', async () => {
    await serve({ ...withClients, MPC_TLS_CLIENT_NAMES: 'account-service, server-party-1.mpc' })
    const outcomes = []
    for (const names of [['server-party-1.mpc'], ['x', 'account-service'], ['server-party-1'], ['*.mpc'], ['192.0.2.1']])
      outcomes.push(await refused(ours.issue(names)))
    expect(outcomes).toEqual([false, false, true, true, true])
  })

  /** Whether the gRPC port ends a connection that shows this certificate instead of answering on it. */
  async function refused({ cert, key }: Issued): Promise<boolean> {
    const session = connectHttp2(sample.grpcUrl, { ca: ours.cert, cert, key })
    onTestFinished(() => void session.destroy())
    return new Promise((resolve) => {
      session.on('error', () => resolve(true)).on('close', () => resolve(true))
      session.on('remoteSettings', () => resolve(false))
    })
  }
})

describe('a renewed certificate', () => {
  test('is used for new connections while open ones go on, and an unusable one is not', async () => {
    const files = folder.writePair('renewed', ours.issue(['127.0.0.1']))
    await serve({ MPC_TLS_CERT_FILE: files.cert, MPC_TLS_KEY_FILE: files.key })
    const before = await serialNumber()
    const connection = connectService(sample.grpcUrl, { tls: trusting() })
    onTestFinished(connection.close)
    const stream = connection.client(SessionFeed).watchSession({ sessionId: 's1' })[Symbol.asyncIterator]()
    expect((await stream.next()).value?.session?.sessionId).toBe('s1')

    const next = ours.issue(['127.0.0.1'])
    folder.write('renewed.pem', next.cert)
    await logged('cannot be used')
    expect(await serialNumber()).toBe(before)
    folder.write('renewed.key', next.key)
    await logged('changed TLS files are in use')
    expect(await serialNumber()).not.toBe(before)
    const ended = stream.next().catch(() => undefined)
    expect(await connection.client(Health).check({})).toMatchObject({ status: 1 })
    expect(sample.logText()).not.toContain(next.key.slice(40, 80))
    await sample.close()
    await ended
  })

  test('of a client is shown on its next connection', async () => {
    await serve({ ...withClients, MPC_TLS_CLIENT_NAMES: 'account-service' })
    const files = folder.writePair('client', ours.issue(['somebody']))
    const connection = connectService(sample.grpcUrl, { tls: showing(files) })
    onTestFinished(connection.close)
    const ask = () => connection.client(SessionCoordinator).getSessionStatus({ sessionId: 's1' })
    await expect(ask()).rejects.toThrow()
    folder.writePair('client', ours.issue(['account-service']))
    expect((await ask()).sessionId).toBe('s1')
  })

  async function serialNumber(): Promise<string> {
    const socket = connectTls({ ...address(sample.grpcUrl), ca: ours.cert, ALPNProtocols: ['h2'] })
    await once(socket, 'secureConnect')
    const { serialNumber: serial } = socket.getPeerCertificate()
    socket.destroy()
    return serial
  }
})

describe('a list of authorities of clients that is changed', () => {
  test('counts for new connections: who was added gets in, and who was taken out does not, with a resumed session either', async () => {
    const clientCa = folder.write('client-ca.pem', ours.cert)
    await serve({ ...withClients, MPC_TLS_CLIENT_CA_FILE: clientCa, MPC_TLS_CLIENT_PORTS: 'both' })
    const stranger = theirs.issue(['server-party-2'])
    const strangerFiles = folder.writePair('stranger-party', stranger)
    const outcomes = async () => {
      const onGrpc = [await call({ tls: showing(partyFiles) }), await call({ tls: showing(strangerFiles) })]
      const onHttp = [await health({ ca: ours.cert, ...party }), await health({ ca: ours.cert, ...stranger })]
      return [...onGrpc.map((answer) => answer === 's1'), ...onHttp.map((status) => status === 200)]
    }
    expect(await outcomes()).toEqual([true, false, true, false])
    const open = connectService(sample.grpcUrl, { tls: showing(partyFiles) })
    onTestFinished(open.close)
    const stream = open.client(SessionFeed).watchSession({ sessionId: 's1' })[Symbol.asyncIterator]()
    expect((await stream.next()).value?.session?.sessionId).toBe('s1')

    const kept = await tlsSession({ ca: ours.cert, ...party })
    expect(await health({ ca: ours.cert, ...party, session: kept })).toBe(200)

    folder.write('client-ca.pem', ours.cert + theirs.cert)
    await loggedTimes('changed TLS files are in use', 1)
    expect(await outcomes()).toEqual([true, true, true, true])
    folder.write('client-ca.pem', 'not a certificate')
    await loggedTimes('cannot be used', 1)
    expect(await outcomes()).toEqual([true, true, true, true])
    folder.write('client-ca.pem', theirs.cert)
    await loggedTimes('changed TLS files are in use', 2)
    expect(await outcomes()).toEqual([false, true, false, true])
    expect(await health({ ca: ours.cert, ...party, session: kept })).not.toBe(200)
    // What is open goes on: whoever is to be cut off is, by a restart.
    expect(await open.client(Health).check({})).toMatchObject({ status: 1 })
    const ended = stream.next().catch(() => undefined)
    await sample.close()
    await ended
  })

  /** What a client of the HTTP port could resume its session with (RFC 8446, section 2.2). */
  async function tlsSession(options: ConnectionOptions): Promise<Buffer> {
    const socket = connectTls({ ...address(sample.httpUrl), ...options })
    const given = once(socket, 'session')
    socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const [session] = (await given) as [Buffer]
    socket.destroy()
    return session
  }
})

describe.each(['grpcUrl', 'httpUrl'] as const)('on %s', (port) => {
  test('bytes that are no TLS are answered with nothing and the end', async () => {
    await serve()
    const socket = connectTcp(address(sample[port]))
    socket.write('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect(await untilClosed(socket)).not.toContain('HTTP/1.1 200')
    expect(await health()).toBe(200)
  })

  test('a handshake that does not come to an end is cut', async () => {
    await serve({ ...withTls, MPC_REQUEST_TIMEOUT_MS: '300' })
    const silent = connectTcp(address(sample[port]))
    const half = connectTcp(address(sample[port]))
    half.write(Buffer.from('160301020001000', 'hex'))
    await Promise.all([untilClosed(silent), untilClosed(half)])
    expect(await metric('mpc_limited_total\\{limit="slow_client"')).toBeGreaterThanOrEqual(2)
  })

  test('a handshake that hangs does not hold up the end of the service', async () => {
    await serve(withTls, { limits: { closeGraceMs: 50 } })
    const socket = connectTcp(address(sample[port]))
    await once(socket, 'connect')
    const closed = untilClosed(socket)
    await sample.close()
    await closed
  })

  test('more handshakes than MPC_TLS_HANDSHAKE_LIMIT are dropped before they cost anything', async () => {
    await serve({ ...withTls, MPC_TLS_HANDSHAKE_LIMIT: '5' })
    const attempt = async () => {
      const socket = connectTls({ ...address(sample[port]), ca: ours.cert })
      onTestFinished(() => void socket.destroy())
      return once(socket, 'secureConnect').then(
        () => true,
        () => false,
      )
    }
    const outcomes = await Promise.all(Array.from({ length: 40 }, attempt))
    // The forty may fall into several seconds on a busy machine, but not into eight.
    expect(outcomes.filter((connected) => connected).length).toBeGreaterThanOrEqual(5)
    expect(outcomes).toContain(false)
    await expect.poll(() => health(), { timeout: 10_000, interval: 300 }).toBe(200)
    if (port === 'httpUrl') expect(await metric('mpc_limited_total\\{limit="handshakes"')).toBeGreaterThan(0)
  })

  test('handshakes count for MPC_MAX_CONNECTIONS', async () => {
    await serve({ ...withTls, MPC_MAX_CONNECTIONS: '2' })
    const waiting = [connectTcp(address(sample[port])), connectTcp(address(sample[port]))]
    await Promise.all(waiting.map((socket) => once(socket, 'connect')))
    await untilClosed(connectTcp(address(sample[port])))
    waiting.forEach((socket) => socket.destroy())
    await expect.poll(() => health(), { timeout: 10_000 }).toBe(200)
  })
})
