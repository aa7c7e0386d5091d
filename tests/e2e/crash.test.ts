import secp256k1 from 'secp256k1'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Device } from '../../src/cli/device.ts'
import { rest } from './fixtures/rest.ts'
import { makeKey, recovery, sign, user, useSystem, whenSent, type OpenedSession } from './fixtures/system.ts'

const messageHash = '8dcd9f3511659638d5c33938ddb7fee9bb63533b94a97c7467d3fd36abbdca81'
const timeoutMs = 120_000

const system = useSystem()
let phone: Device
let backup: Device

beforeAll(async () => {
  phone = await system().device(user.device_id, user.device_type)
  backup = await system().device(recovery.device_id, recovery.device_type)
})

const statusOf = async (sessionId: string) => {
  const coordinator = system().stack.services['session-coordinator'].httpUrl
  return (await rest('GET', `${coordinator}/api/v1/sessions/${sessionId}`)).body
}

/** Kills the service when the phone has sent its messages of round 2, and starts it again. */
function killedInRound2(service: 'session-coordinator' | 'message-router' | 'server-party-1') {
  let done: Promise<void> = Promise.resolve()
  let killed = false
  const onProgress = whenSent(2, () => {
    killed = true
    done = system()
      .stack.kill(service)
      .then(() => system().stack.restart(service))
  })
  return { onProgress, happened: async () => void (await done, expect(killed).toBe(true)) }
}

async function keyMadeIn(session: OpenedSession, onProgress?: Parameters<typeof makeKey>[3]) {
  return Promise.all([makeKey(phone, user.party_id, session, onProgress), makeKey(backup, recovery.party_id, session)])
}

describe.each(['session-coordinator', 'message-router'] as const)('%s killed in the middle', (service) => {
  let publicKey: string

  test(
    'of a key generation: the session still completes',
    async () => {
      const session = await system().openKeygen()
      const kill = killedInRound2(service)
      const outcomes = await keyMadeIn(session, kill.onProgress)
      await kill.happened()
      expect(outcomes.map(({ kind }) => kind)).toEqual(['key-made', 'key-made'])
      const status = await statusOf(session.session_id)
      expect(status['status']).toBe('completed')
      publicKey = String(status['public_key'])
    },
    timeoutMs,
  )

  test(
    'of a signature: it still comes out, and libsecp256k1 verifies it',
    async () => {
      const account = await system().createAccount(publicKey)
      const session = await system().openSigning(account, messageHash, [user, recovery])
      const kill = killedInRound2(service)
      const outcomes = await Promise.all([
        sign(phone, user.party_id, session, messageHash, kill.onProgress),
        sign(backup, recovery.party_id, session, messageHash),
      ])
      await kill.happened()
      expect(outcomes.map(({ kind }) => kind)).toEqual(['signed', 'signed'])
      const signature = Buffer.from(String((await statusOf(session.session_id))['signature']), 'hex')
      expect(secp256k1.ecdsaVerify(signature, Buffer.from(messageHash, 'hex'), Buffer.from(publicKey, 'hex'))).toBe(
        true,
      )
    },
    timeoutMs,
  )
})

describe('a server party killed in the middle of a key generation', () => {
  let failed: OpenedSession

  test(
    'fails the session cleanly: every device is told, and nobody keeps a share',
    async () => {
      failed = await system().openKeygen()
      const kill = killedInRound2('server-party-1')
      const outcomes = await keyMadeIn(failed, kill.onProgress)
      await kill.happened()
      expect(outcomes.map(({ kind }) => kind)).toEqual(['failed', 'failed'])
      expect(await statusOf(failed.session_id)).toMatchObject({
        status: 'failed',
        failure: { reason: 'party_restarted', reported_by: 'server_party' },
      })
      const { body } = await rest(
        'GET',
        `${system().stack.services['server-party-1'].httpUrl}/api/v1/party/keys?limit=1000`,
      )
      expect(JSON.stringify(body)).not.toContain(failed.session_id)
    },
    timeoutMs,
  )

  test(
    'and a new session succeeds',
    async () => {
      const outcomes = await keyMadeIn(await system().openKeygen())
      expect(outcomes.map(({ kind }) => kind)).toEqual(['key-made', 'key-made'])
    },
    timeoutMs,
  )
})
