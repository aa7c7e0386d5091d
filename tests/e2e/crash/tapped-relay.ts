/**
 * A port in front of a service or server that understands what passes: each protocol message is a piece, those that
 * change something are steps with a name. At a step the connection can be frozen, before the piece is passed on or
 * after, and the process at one of its ends killed: so a crash between any two messages can be made from outside.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export type Piece = Readonly<{ bytes: Buffer; step: string | null }>

/** One connection's messages in both directions; `up` is towards the target. */
export type Tap = Readonly<{ up: (chunk: Buffer) => readonly Piece[]; down: (chunk: Buffer) => readonly Piece[] }>

/** Null: the piece passes. Otherwise the connection is frozen and then `act` called. */
export type Hold = Readonly<{ phase: 'held' | 'passed'; act: () => void }> | null

export type TappedRelay = Readonly<{ port: number; close: () => void }>

export type Target = Readonly<{ hostname: string; port: number }>

export type RelayOptions = Readonly<{
  /** Asked for every connection. */
  target: () => Target
  /** Default: nothing is a step. */
  tap?: () => Tap
  onStep?: (step: string) => Hold
  /** How long a piece is under way, asked for each; pieces of one connection and direction keep their order. */
  delayMs?: () => number
}>

const opaque: Tap = { up: (bytes) => [{ bytes, step: null }], down: (bytes) => [{ bytes, step: null }] }

export async function openTappedRelay(options: RelayOptions): Promise<TappedRelay> {
  const { target, tap = () => opaque, onStep = () => null, delayMs = () => 0 } = options
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (inbound) => {
    const { hostname, port } = target()
    const outbound = connect({ host: hostname, port, noDelay: true })
    for (const [socket, other] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => {
        sockets.delete(socket)
        other.destroySoon()
      })
    }
    const { up, down } = tap()
    let frozen = false
    const passTo = (to: Socket) => {
      const write = delayed(to, delayMs)
      return (pieces: readonly Piece[]) => {
        for (const { bytes, step } of pieces) {
          if (frozen) return
          const hold = step === null ? null : onStep(step)
          frozen = hold !== null
          if (hold?.phase === 'held') hold.act()
          else write(bytes, hold?.act)
        }
      }
    }
    const [passUp, passDown] = [passTo(outbound), passTo(inbound)]
    inbound.on('data', (chunk) => passUp(up(chunk)))
    outbound.on('data', (chunk) => passDown(down(chunk)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // A listening TCP server has an address.
  const { port } = server.address() as AddressInfo
  return {
    port,
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

function delayed(to: Socket, delayMs: () => number): (bytes: Buffer, written?: () => void) => void {
  let last: Promise<void> = Promise.resolve()
  let waiting = 0
  const write = (bytes: Buffer, written?: () => void) => {
    if (!to.destroyed) to.write(bytes, written)
  }
  return (bytes, written) => {
    const ms = delayMs()
    if (ms === 0 && waiting === 0) return write(bytes, written)
    waiting += 1
    const arrived = sleep(ms)
    last = last.then(async () => {
      await arrived
      waiting -= 1
      write(bytes, written)
    })
  }
}

/**
 * Cuts a byte stream into pieces: `measure` tells how long the first message of what is there is, or null while that
 * cannot be told yet.
 */
export function splitter(
  measure: (bytes: Buffer) => number | null,
  nameOf: (message: Buffer) => string | null,
): (chunk: Buffer) => readonly Piece[] {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const pieces: Piece[] = []
    for (;;) {
      const length = measure(rest)
      if (length === null || rest.length < length) return pieces
      const bytes = rest.subarray(0, length)
      rest = rest.subarray(length)
      pieces.push({ bytes, step: nameOf(bytes) })
    }
  }
}
