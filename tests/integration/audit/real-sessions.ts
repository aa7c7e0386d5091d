/** A real 2-of-3 key and a signature with it: coordinator, router, server party, and two devices. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesToHex } from '@noble/hashes/utils.js'
import { openDevice, type Device } from '../../../src/cli/device.ts'
import { defaultKeyType, type KeyType } from '../../../src/crypto/key-type.ts'
import { approveKeygen, approveSigning } from '../../../src/party/approval.ts'
import { createWorkerHost } from '../../../src/party/node/worker-host.ts'
import type { Services } from '../party/services.ts'

const server = { partyId: 'server', deviceType: 'server', deviceId: 'server_001' }
const phone = { partyId: 'phone', deviceType: 'iOS', deviceId: 'iphone_001' }
const recovery = { partyId: 'recovery', deviceType: 'recovery', deviceId: 'recovery_001' }

/** 32 bytes: a hash, and for Ed25519 a message. */
export const signedHash = new Uint8Array(32).fill(7)

export type MadeSessions = Readonly<{ keygenId: string; signId: string }>

/** The server signs with the phone. Throws where one of the sessions does not complete. */
export async function makeAndSign(services: Services, keyType: KeyType = defaultKeyType): Promise<MadeSessions> {
  const folder = await mkdtemp(join(tmpdir(), 'mpc-audit-devices-'))
  const host = createWorkerHost({ workers: 1 })
  const { coordinatorUrl, routerUrl, caller } = services
  const open = ({ deviceType, deviceId }: typeof phone) =>
    openDevice({ deviceType, deviceId, folder: join(folder, deviceId), coordinatorUrl, routerUrl, host })
  const devices = { phone: await open(phone), recovery: await open(recovery) }
  try {
    const participants = [phone, server, recovery]
    const terms = { sessionType: 'keygen', keyType, thresholdT: 2, thresholdN: 3 }
    const keygen = await caller.createSession({ ...terms, participants })
    const join = ({ party }: Device, partyId: string) =>
      party.run({ joinToken: keygen.joinTokens[partyId] ?? '', partyId, approve: approveKeygen({ keyType }) })
    const made = await Promise.all([join(devices.phone, 'phone'), join(devices.recovery, 'recovery')])
    if (made.some(({ kind }) => kind !== 'key-made')) throw new Error(`no key: ${JSON.stringify(made)}`)
    const isMessage = keyType === 'eddsa-ed25519'
    const sign = await caller.createSession({
      sessionType: 'sign',
      keyId: keygen.sessionId,
      ...(isMessage ? { message: signedHash } : { messageHash: bytesToHex(signedHash) }),
      participants: [phone, server],
    })
    const approve = approveSigning(isMessage ? { message: signedHash } : { messageHash: signedHash })
    const joinToken = sign.joinTokens['phone'] ?? ''
    const signed = await devices.phone.party.run({ joinToken, partyId: 'phone', approve })
    if (!signed.kind.endsWith('signed')) throw new Error(`no signature: ${JSON.stringify(signed)}`)
    return { keygenId: keygen.sessionId, signId: sign.sessionId }
  } finally {
    devices.phone.close()
    devices.recovery.close()
    await host.close()
    await rm(folder, { recursive: true, force: true })
  }
}
