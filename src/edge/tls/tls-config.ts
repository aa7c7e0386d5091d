/** What a service's listeners and its own connections are told about TLS by the environment. */
import { z } from 'zod'
import { ConfigurationError } from '../configuration-error.ts'
import { readEnv } from '../environment.ts'
import { readAuthorities, readKeyPair, type KeyPair, type KeyPairFiles, type NamedFile } from './pem-files.ts'

export type PortName = 'grpc' | 'http'

export type ListenerTls = Readonly<{
  files: KeyPairFiles
  /** Client certificates must come from these authorities; null: none is asked for. */
  clientCa: NamedFile | null
  /** The ports that let nobody in without a client certificate. */
  clientPorts: readonly PortName[]
  /** DNS names, one of which a client certificate must carry; empty: any certificate of the authorities. */
  clientNames: readonly string[]
}>

export type ListenerMaterial = KeyPair & Readonly<{ clientCa: string | null }>

/** `authorities` null: those that Node trusts (NODE_EXTRA_CA_CERTS adds to them). */
export type ClientTlsFiles = Readonly<{ authorities: NamedFile | null; keyPair: KeyPairFiles | null }>

const dnsName = /^(?=.{1,253}$)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/

const listenerVariables = z.object({
  MPC_TLS_CERT_FILE: z.string().optional(),
  MPC_TLS_KEY_FILE: z.string().optional(),
  MPC_TLS_CLIENT_CA_FILE: z.string().optional(),
  MPC_TLS_CLIENT_PORTS: z.enum(['grpc', 'both'], 'must be grpc or both').optional(),
  MPC_TLS_CLIENT_NAMES: z
    .string()
    .transform((text) => text.split(',').map((name) => name.trim()))
    .refine((names) => names.every((name) => dnsName.test(name)), 'must be DNS names, separated by commas')
    .optional(),
})

/** Null where the listeners speak plain text. Throws ConfigurationError; the files have been checked. */
export function listenerTlsFromEnv(env: NodeJS.ProcessEnv): ListenerTls | null {
  const values = readEnv(listenerVariables, env)
  const files = keyPairFiles('MPC_TLS_CERT_FILE', 'MPC_TLS_KEY_FILE', values)
  if (files === null) {
    requireAbsent(values, ['MPC_TLS_CLIENT_CA_FILE'], 'needs MPC_TLS_CERT_FILE')
    return requireAbsent(values, ['MPC_TLS_CLIENT_PORTS', 'MPC_TLS_CLIENT_NAMES'], 'needs MPC_TLS_CLIENT_CA_FILE')
  }
  const clientCa = namedFile('MPC_TLS_CLIENT_CA_FILE', values)
  if (clientCa === null) {
    requireAbsent(values, ['MPC_TLS_CLIENT_PORTS', 'MPC_TLS_CLIENT_NAMES'], 'needs MPC_TLS_CLIENT_CA_FILE')
  }
  const clientPorts: readonly PortName[] = values.MPC_TLS_CLIENT_PORTS === 'both' ? ['grpc', 'http'] : ['grpc']
  const tls = { files, clientCa, clientPorts, clientNames: values.MPC_TLS_CLIENT_NAMES ?? [] }
  readListenerMaterial(tls)
  return tls
}

/** Throws ConfigurationError. */
export function readListenerMaterial({ files, clientCa }: ListenerTls): ListenerMaterial {
  return { ...readKeyPair(files), clientCa: clientCa === null ? null : readAuthorities(clientCa) }
}

const clientVariables = z.object({
  MPC_TLS_CA_FILE: z.string().optional(),
  MPC_TLS_CLIENT_CERT_FILE: z.string().optional(),
  MPC_TLS_CLIENT_KEY_FILE: z.string().optional(),
})

/** For connections to other services. Null where nothing is said. Throws ConfigurationError; the files were checked. */
export function clientTlsFromEnv(env: NodeJS.ProcessEnv): ClientTlsFiles | null {
  const values = readEnv(clientVariables, env)
  const authorities = namedFile('MPC_TLS_CA_FILE', values)
  const keyPair = keyPairFiles('MPC_TLS_CLIENT_CERT_FILE', 'MPC_TLS_CLIENT_KEY_FILE', values)
  return checkedClientTls({ authorities, keyPair })
}

/** Null where there is nothing in it. Throws ConfigurationError for files that cannot be used. */
export function checkedClientTls(files: ClientTlsFiles): ClientTlsFiles | null {
  if (files.authorities !== null) readAuthorities(files.authorities)
  if (files.keyPair !== null) readKeyPair(files.keyPair)
  return files.authorities === null && files.keyPair === null ? null : files
}

/** A certificate has no use on a connection without TLS: then the URL is a mistake. Throws ConfigurationError. */
export function requireHttps(variable: string, url: string, tls: ClientTlsFiles | null): void {
  if (tls === null || url.startsWith('https:')) return
  const given = tls.keyPair === null ? 'MPC_TLS_CA_FILE' : 'MPC_TLS_CLIENT_CERT_FILE'
  throw new ConfigurationError(variable, `must be an https:// URL where ${given} is set`)
}

type Values = Readonly<Record<string, unknown>>

export function namedFile(variable: string, values: Values): NamedFile | null {
  const path = values[variable]
  return typeof path === 'string' ? { variable, path } : null
}

/** Both or neither. Throws ConfigurationError naming the one that is missing. */
export function keyPairFiles(certVariable: string, keyVariable: string, values: Values): KeyPairFiles | null {
  const cert = namedFile(certVariable, values)
  const key = namedFile(keyVariable, values)
  if (cert !== null && key !== null) return { cert, key }
  if (cert === null && key === null) return null
  const [missing, given] = cert === null ? [certVariable, keyVariable] : [keyVariable, certVariable]
  throw new ConfigurationError(missing, `must be set where ${given} is`)
}

function requireAbsent(values: Values, variables: readonly string[], problem: string): null {
  const present = variables.find((variable) => values[variable] !== undefined)
  if (present === undefined) return null
  throw new ConfigurationError(present, problem)
}
