/** Which messages each protocol has in each of its rounds. */
import { frostKeygenRounds } from './frost/keygen.ts'
import { frostSignRounds } from './frost/sign.ts'
import { keygenRounds } from './keygen/keygen.ts'
import type { ProtocolName } from './protocol-name.ts'
import { signRounds } from './sign/sign.ts'

export type RoundShape = Readonly<{
  /** Every party sends one to all others. */
  broadcast: boolean
  /** Every party sends one to each other. */
  direct: boolean
}>

/** Round 1 first. */
export function roundsOf(protocol: ProtocolName): readonly RoundShape[] {
  return shapes[protocol]
}

const shapes: Readonly<Record<ProtocolName, readonly RoundShape[]>> = {
  'dkls23-keygen': keygenRounds,
  'dkls23-sign': signRounds,
  'frost-keygen': frostKeygenRounds,
  'frost-sign': frostSignRounds,
}
