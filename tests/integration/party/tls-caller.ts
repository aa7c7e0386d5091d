/**
 * A program of a client's: it knows nothing of our certificates but what NODE_EXTRA_CA_CERTS tells Node. Makes a 2-of-3
 * key of a device and two server parties and signs with the device and one of them. Arguments: one object, as JSON.
 */
import { connectMpc } from '../../../src/client/node.ts'

// Our own test's.
const { options, folder, messageHash } = JSON.parse(process.argv[2] ?? '') as {
  options: Parameters<typeof connectMpc>[0]
  folder: string
  messageHash: string
}
const mpc = connectMpc(options)
const secret = (byte: number) => new Uint8Array(32).fill(byte)
const device = await mpc.openDevice({
  deviceId: 'phone_001',
  deviceType: 'iOS',
  folder,
  identitySeed: secret(1),
  kek: secret(2),
})
const phone = { partyId: 'phone', deviceType: 'iOS', deviceId: 'phone_001' } as const
const servers = ['server_001', 'server_002'].map((deviceId) => ({ partyId: deviceId, deviceType: 'server', deviceId }))
const [cosigner, other] = servers
if (cosigner === undefined || other === undefined) throw new Error('two servers')
const keygen = await mpc.accounts.createKeygenSession({
  thresholdT: 2,
  thresholdN: 3,
  participants: [phone, cosigner, other],
})
const key = await device.keygen({ joinToken: keygen.joinTokens['phone'] ?? '', partyId: 'phone', thresholdT: 2 })
const account = await mpc.accounts.create({ username: 'alice', email: 'a@example.com', publicKey: key.publicKey })
const signing = await mpc.accounts.createSigningSession({
  accountId: account.id,
  messageHash,
  participants: [phone, cosigner],
})
const signed = await device.sign({ joinToken: signing.joinTokens['phone'] ?? '', partyId: 'phone', messageHash })
console.log(JSON.stringify({ publicKey: key.publicKey, signature: signed.signature }))
await device.close()
process.exit()
