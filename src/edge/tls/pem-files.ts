/** Certificates and keys in PEM files. What cannot be used is refused by the name of the variable that led to it. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ConfigurationError } from '../configuration-error.ts'
import { readSecretFile } from '../secret-key-file.ts'

/** A file, and the variable that names it. */
export type NamedFile = Readonly<{ variable: string; path: string }>

/** A certificate, followed by its chain, and the private key that belongs to it. */
export type KeyPairFiles = Readonly<{ cert: NamedFile; key: NamedFile }>
export type KeyPair = Readonly<{ cert: string; key: string; /** Unix milliseconds. */ validToMs: number }>

const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * Throws ConfigurationError for a file that cannot be read or is not PEM, a key that others may read or that belongs to
 * another certificate, and a certificate that is not valid at `nowMs`.
 */
export function readKeyPair({ cert, key }: KeyPairFiles, nowMs = Date.now()): KeyPair {
  const certPem = readText(cert)
  const [leaf] = certificatesIn(cert, certPem)
  const keyPem = readSecretFile(key.variable, key.path).toString()
  const validFromMs = Date.parse(leaf.validFrom)
  const validToMs = Date.parse(leaf.validTo)
  const unusable = (problem: string) => new ConfigurationError(cert.variable, `${cert.path} ${problem}`)
  if (validToMs <= nowMs) throw unusable(`expired on ${leaf.validTo}`)
  if (validFromMs > nowMs) throw unusable(`is not valid before ${leaf.validFrom}`)
  if (!leaf.checkPrivateKey(privateKeyOf(key, keyPem))) {
    throw new ConfigurationError(key.variable, `${key.path} is not the key of the certificate in ${cert.path}`)
  }
  return { cert: certPem, key: keyPem, validToMs }
}

/** The certificates of authorities that are trusted. Throws ConfigurationError where there is none that is valid. */
export function readAuthorities(file: NamedFile, nowMs = Date.now()): string {
  const pem = readText(file)
  if (certificatesIn(file, pem).every(({ validTo }) => Date.parse(validTo) <= nowMs)) {
    throw new ConfigurationError(file.variable, `every certificate in ${file.path} has expired`)
  }
  return pem
}

/** What the files hold, as one value to compare: empty while one of them cannot be read. */
export function contentOf(files: readonly NamedFile[]): string {
  try {
    return files.map(({ path }) => readFileSync(path, 'utf8')).join('\0')
  } catch {
    return ''
  }
}

function readText({ variable, path }: NamedFile): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw new ConfigurationError(variable, `${path} cannot be read`)
  }
}

function certificatesIn({ variable, path }: NamedFile, pem: string): readonly [X509Certificate, ...X509Certificate[]] {
  try {
    const [first, ...others] = (pem.match(pemCertificate) ?? []).map((text) => new X509Certificate(text))
    if (first !== undefined) return [first, ...others]
  } catch {
    // As where there is none.
  }
  throw new ConfigurationError(variable, `${path} does not hold certificates in PEM form`)
}

function privateKeyOf({ variable, path }: NamedFile, pem: string) {
  try {
    return createPrivateKey(pem)
  } catch {
    throw new ConfigurationError(variable, `${path} does not hold a private key in PEM form without a passphrase`)
  }
}
