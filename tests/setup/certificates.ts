/**
 * X.509 certificates (RFC 5280) made in the test that uses them: an authority, and what it signs. ECDSA on P-256. Node
 * reads certificates but makes none.
 */
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Authority = Readonly<{
  /** PEM. */
  cert: string
  /** A certificate for these DNS names and IPv4 addresses, good for servers and clients. */
  issue: (names: readonly string[], validity?: Validity) => Issued
}>
export type Issued = Readonly<{ cert: string; key: string }>
type Validity = Readonly<{ fromMs?: number; toMs?: number }>

const dayMs = 86_400_000

export function createAuthority(name: string): Authority {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = { name, key: privateKey }
  const basic = extension('551d13', sequence(tlv(0x01, bytes('ff'))), true)
  const usage = extension('551d0f', tlv(0x03, bytes('0106')), true)
  return {
    cert: certificate({ issuer, subject: name, publicKey, extensions: [basic, usage] }),
    issue: (names, validity = {}) => {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const alternatives = names.map((text) =>
        isIPv4(text) ? tlv(0x87, Buffer.from(text.split('.').map(Number))) : tlv(0x82, Buffer.from(text)),
      )
      // serverAuth and clientAuth.
      const purposes = sequence(oid('2b06010505070301'), oid('2b06010505070302'))
      const extensions = [extension('551d11', sequence(...alternatives)), extension('551d25', purposes)]
      const subject = names[0] ?? 'nobody'
      return {
        cert: certificate({ issuer, subject, publicKey: own.publicKey, extensions, ...validity }),
        key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      }
    },
  }
}

/** A temporary folder for PEM files that only the owner may read. */
export function openCertificateFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'mpc-certificates-'))
  const write = (name: string, pem: string): string => {
    const file = join(folder, name)
    writeFileSync(file, pem, { mode: 0o600 })
    return file
  }
  return {
    folder,
    write,
    /** `<name>.pem` and `<name>.key`. */
    writePair: (name: string, { cert, key }: Issued) => ({
      cert: write(`${name}.pem`, cert),
      key: write(`${name}.key`, key),
    }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

type Content = Validity &
  Readonly<{
    issuer: Readonly<{ name: string; key: KeyObject }>
    subject: string
    publicKey: KeyObject
    extensions: readonly Buffer[]
  }>

function certificate({ issuer, subject, publicKey, extensions, fromMs, toMs }: Content): string {
  const algorithm = sequence(oid('2a8648ce3d040302'))
  const toBeSigned = sequence(
    tlv(0xa0, tlv(0x02, bytes('02'))),
    tlv(0x02, Buffer.concat([bytes('01'), randomBytes(15)])),
    algorithm,
    nameOf(issuer.name),
    sequence(time(fromMs ?? Date.now() - dayMs), time(toMs ?? Date.now() + dayMs)),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions)),
  )
  const signature = Buffer.concat([bytes('00'), sign('sha256', toBeSigned, issuer.key)])
  const base64 = sequence(toBeSigned, algorithm, tlv(0x03, signature)).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`
}

function extension(id: string, value: Buffer, isCritical = false): Buffer {
  return sequence(oid(id), ...(isCritical ? [tlv(0x01, bytes('ff'))] : []), tlv(0x04, value))
}

function nameOf(commonName: string): Buffer {
  return sequence(tlv(0x31, sequence(oid('550403'), tlv(0x0c, Buffer.from(commonName)))))
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return tlv(0x17, Buffer.from(digits.slice(2)))
}

function sequence(...items: readonly Buffer[]): Buffer {
  return tlv(0x30, ...items)
}

function oid(hex: string): Buffer {
  return tlv(0x06, bytes(hex))
}

/** Tag, length in its shortest form, value. */
function tlv(tag: number, ...items: readonly Buffer[]): Buffer {
  const value = Buffer.concat(items)
  const { length } = value
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...head]), value])
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex, 'hex')
}
