import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Code, ConnectError } from '@connectrpc/connect'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SessionFeed } from '../../../src/gen/mpc/coordinator/v1/session_feed_pb.ts'
import { SessionCoordinator } from '../../../src/gen/mpc/coordinator/v1/session_coordinator_pb.ts'
import { servicesWith } from './services.ts'

const joinToken = `mpc_join_${Buffer.alloc(48, 7).toString('base64url')}`
const partyId = 'phone'
const messageHash = 'ab'.repeat(32)

async function deviceOptions() {
  const folder = await mkdtemp(join(tmpdir(), 'mpc-client-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const secrets = { identitySeed: randomBytes(32), kek: randomBytes(32) }
  return { deviceId: 'phone_001', deviceType: 'iOS', folder, ...secrets }
}

const refusing = () =>
  servicesWith((router) =>
    router.service(SessionCoordinator, {
      joinSession: () => {
        throw new ConnectError('the join token is not valid', Code.Unauthenticated)
      },
    }),
  )

describe('a device', () => {
  test('is the same one when it is opened again with its secrets, and with no others', async () => {
    const { mpc } = refusing()
    const options = await deviceOptions()
    const first = await mpc.openDevice(options)
    expect(await first.persisted).toBe(true)
    const attempt = first.keygen({ joinToken, partyId })
    await expect(attempt).rejects.toMatchObject({ code: 'session_failed', reason: 'join_refused', culprits: [] })
    await first.close()
    const second = await mpc.openDevice(options)
    expect(second).toMatchObject({ deviceId: 'phone_001', fingerprint: first.fingerprint })
    expect(second.identityKey).toEqual(first.identityKey)
    await second.close()
  })

  test('whose store cannot be used is not opened', async () => {
    const { mpc } = refusing()
    const options = { ...(await deviceOptions()), folder: '/dev/null/phone' }
    await expect(mpc.openDevice(options)).rejects.toMatchObject({ name: 'MpcError', code: 'storage_failed' })
  })

  test('is not opened when its caller no longer waits', async () => {
    const { mpc } = refusing()
    const reason = new Error('the person went away')
    const opening = mpc.openDevice(await deviceOptions(), { signal: AbortSignal.abort(reason) })
    await expect(opening).rejects.toBe(reason)
  })

  test('joins nothing that it was not told enough about', async () => {
    const { mpc, asked } = refusing()
    const options = await deviceOptions()
    const device = await mpc.openDevice(options)
    onTestFinished(() => device.close())
    const wrongToken = device.keygen({ joinToken: 'mpc_join_', partyId })
    await expect(wrongToken).rejects.toMatchObject({ details: { joinToken: 'is not a join token' } })
    const wrongHash = device.sign({ joinToken, partyId, messageHash: messageHash.slice(2) })
    await expect(wrongHash).rejects.toMatchObject({ details: { messageHash: expect.any(String) } })
    // @ts-expect-error: JavaScript has no types
    await expect(device.sign({ joinToken, partyId })).rejects.toMatchObject({ code: 'invalid_request' })
    const aborted = device.sign({ joinToken, partyId, messageHash, signal: AbortSignal.abort('no') })
    await expect(aborted).rejects.toBe('no')
    expect(asked).toEqual([])
    expect((await readdir(options.folder)).filter((file) => file.endsWith('.session'))).toEqual([])
  })

  test('first fails the session that an earlier process left in the middle', async () => {
    const options = await deviceOptions()
    const sessions = ['07', '08'].map((byte) => [8, 4, 4, 4, 12].map((n) => byte.repeat(n / 2)).join('-'))
    const [left = '', next = ''] = sessions
    const tokenOf = (sessionId: string) => {
      const bytes = Buffer.concat([Buffer.from(sessionId.replaceAll('-', ''), 'hex'), Buffer.alloc(32)])
      return `mpc_join_${bytes.toString('base64url')}`
    }
    const told: string[] = []
    const joined = Promise.withResolvers<void>()
    const { mpc } = servicesWith((router) => {
      router.service(SessionCoordinator, {
        joinSession: ({ joinToken }) => {
          const sessionId = sessions.find((known) => tokenOf(known) === joinToken) ?? ''
          told.push(`join ${sessionId}`)
          return { sessionId, partyIndex: 0, status: 'joined', partyCredential: 'mpc_party_x' }
        },
        reportCompletion: ({ sessionId, failure }) => {
          told.push(`${failure?.reason} ${sessionId}`)
          return { success: true, allCompleted: false }
        },
      })
      router.service(SessionFeed, {
        async *watchSession({ sessionId }, { signal }) {
          joined.resolve()
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
          yield { session: { sessionId } }
        },
      })
    })
    const crashed = await mpc.openDevice(options)
    const interrupted = crashed.keygen({ joinToken: tokenOf(left), partyId }).catch(() => undefined)
    await joined.promise

    const restarted = await mpc.openDevice(options)
    const stop = new AbortController()
    const onProgress = () => stop.abort('seen enough')
    const second = restarted.keygen({ joinToken: tokenOf(next), partyId, onProgress, signal: stop.signal })
    await expect(second).rejects.toBe('seen enough')
    expect(told.slice(0, 4)).toEqual([`join ${left}`, `join ${left}`, `party_restarted ${left}`, `join ${next}`])
    await restarted.close()
    await crashed.close()
    await interrupted
  })
})
