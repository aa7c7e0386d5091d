/** What the protocols are called in envelopes. The names are signed: they never change. */
import type { KeyType } from './key-type.ts'

export type ProtocolName = 'dkls23-keygen' | 'dkls23-sign' | 'frost-keygen' | 'frost-sign'

/** The protocol that makes, or signs with, keys of this type. */
export function protocolName(purpose: 'keygen' | 'sign', keyType: KeyType): ProtocolName {
  if (keyType === 'ecdsa-secp256k1') return purpose === 'sign' ? 'dkls23-sign' : 'dkls23-keygen'
  return purpose === 'sign' ? 'frost-sign' : 'frost-keygen'
}
