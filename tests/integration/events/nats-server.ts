/** A real nats-server with JetStream for one test, on a port that it keeps over restarts, with its own store. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'

export type NatsServer = Readonly<{
  url: string
  /** Ends it as a power cut would. */
  kill(): Promise<void>
  /** Starts it again on the same store. */
  start(): Promise<void>
  /** Ends it and removes its store. */
  remove(): Promise<void>
}>

export async function startNatsServer(extraArguments: readonly string[] = []): Promise<NatsServer> {
  const directory = await mkdtemp(join(tmpdir(), 'mpc-events-nats-'))
  const port = await freePort()
  const url = `nats://127.0.0.1:${port}`
  const address = ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', directory, ...extraArguments]
  let child: ChildProcess | null = null

  async function start(): Promise<void> {
    const started = spawn(process.env['NATS_SERVER'] ?? 'nats-server', address, { stdio: 'ignore' })
    child = started
    const failed = new Promise<never>((_, reject) => {
      started.once('error', reject)
      started.once('exit', (code) => reject(new Error(`nats-server ended with ${code}`)))
    })
    failed.catch(() => undefined)
    await Promise.race([untilItAnswers(url), failed])
  }

  async function kill(): Promise<void> {
    const running = child
    if (running === null || running.exitCode !== null || running.signalCode !== null) return
    const ended = new Promise((resolve) => running.once('exit', resolve))
    running.kill('SIGKILL')
    await ended
  }

  await start()
  return {
    url,
    kill,
    start,
    remove: async () => {
      await kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function untilItAnswers(url: string): Promise<void> {
  for (;;) {
    const connection = await connect({ servers: url, reconnect: false }).catch(() => null)
    if (connection !== null) return connection.close()
    await delay(20)
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject(address)))
    })
  })
}
