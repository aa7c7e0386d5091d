import type { KeyType } from '../../crypto/key-type.ts'
import type { PolicyBody, ToSign } from './account-client.ts'

/** What the demo found, in the form in which `--json` prints it. */
export type SignatureResult = Readonly<{
  signers: readonly string[]
  signature: string
  /** ECDSA only. */
  recovery_id?: number
}>

export type DemoResult = Readonly<{
  key_type: KeyType
  public_key: string
  /** Ethereum's, with the checksum of EIP-55; ECDSA only. */
  address?: string
  /** Of the key: each of the signatures was made with an approval. */
  policy: PolicyBody
  signatures: readonly SignatureResult[]
  timings_ms: Readonly<{ keygen: number; signatures: readonly number[] }>
}> &
  ToSign
