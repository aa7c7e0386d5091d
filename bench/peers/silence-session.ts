/** Silence Laboratories' newer core, as it is shipped in a published wallet SDK: sessions that say what to send. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { peerParties, peerThreshold, type Peer, type PeerRuns } from './peer.ts'

type Message = Readonly<{ body: Uint8Array; receivers: readonly string[] }>
type Share = Readonly<{ keyId: () => Uint8Array; toBytes: () => Uint8Array }>
type Session<Result> = Readonly<{
  outputMessage: () => Message | undefined
  inputMessage: (body: Uint8Array) => boolean
  finish: () => Result
}>
type Library = Readonly<{
  default: (input: Readonly<{ module_or_path: Uint8Array }>) => Promise<unknown>
  KeygenSession: Readonly<{ setup: (keyId: undefined, threshold: number, ids: string[]) => Uint8Array }> &
    (new (setup: Uint8Array, id: string) => Session<Share>)
  SignSession: Readonly<{
    setup: (keyId: Uint8Array, path: string, messageHash: Uint8Array, ids: string[]) => Uint8Array
  }> &
    (new (setup: Uint8Array, id: string, share: Share) => Session<Uint8Array>)
  Keyshare: Readonly<{ fromBytes: (bytes: Uint8Array) => Share }>
}>

const ids = Array.from({ length: peerParties }, (_, i) => `party-${i}`)

export const silenceSession: Peer = {
  name: '@vultisig/sdk',
  version: '0.2.0-beta.9',
  integrity: 'sha512-u0fBAtCsmTA4/Y+aK4qbYF0KtuYIlK8GgKrpN3UhvW3o4YZcP+qDUGUADhnL97L7PP8jk2JsC2IxSDX556QU7g==',
  title: 'newer Silence core (in @vultisig/sdk)',
  licence: 'SLL for the core',
  open: async (folder) => {
    const core = join(folder, 'dist', 'lib', 'dkls')
    const library = (await import(pathToFileURL(join(core, 'vs_wasm.js')).href)) as Library
    await library.default({ module_or_path: await readFile(join(core, 'vs_wasm_bg.wasm')) })
    return runsOf(library)
  },
}

function runsOf(library: Library): PeerRuns {
  const shares = makeKey(library).results
  const keyId = (shares[0] as Share).keyId() // three parties, so three shares
  const stored = shares.slice(0, peerThreshold).map((share) => share.toBytes())
  return { keygen: () => makeKey(library), sign: () => makeSignature(library, keyId, stored) }
}

function makeKey({ KeygenSession }: Library) {
  const setup = KeygenSession.setup(undefined, peerThreshold, ids)
  return runToEnd(new Map(ids.map((id) => [id, new KeygenSession(setup, id)])))
}

function makeSignature({ SignSession, Keyshare }: Library, keyId: Uint8Array, stored: readonly Uint8Array[]) {
  const signers = ids.slice(0, peerThreshold)
  const setup = SignSession.setup(keyId, 'm', randomBytes(32), signers)
  const open = (bytes: Uint8Array, i: number) => {
    const id = signers[i] as string // as many signers as shares
    return [id, new SignSession(setup, id, Keyshare.fromBytes(bytes))] as const
  }
  return runToEnd(new Map(stored.map(open)))
}

function runToEnd<Result>(sessions: ReadonlyMap<string, Session<Result>>) {
  let bytes = 0
  for (let isMoving = true; isMoving; ) {
    isMoving = false
    for (const session of sessions.values()) {
      for (let message = session.outputMessage(); message !== undefined; message = session.outputMessage()) {
        isMoving = true
        const { body, receivers } = message
        bytes += body.length
        for (const receiver of receivers) sessions.get(receiver)?.inputMessage(body)
      }
    }
  }
  return { bytes, results: [...sessions.values()].map((session) => session.finish()) }
}
