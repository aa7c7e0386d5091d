/** Runs the known-answer protocol runs where a page runs its cryptography. */
import { transcribeFrost } from '../../../unit/crypto/frost/known-answer.ts'
import { transcribe } from '../../../unit/crypto/known-answer.ts'

const frost = {
  'eddsa-ed25519': transcribeFrost('eddsa-ed25519'),
  'schnorr-secp256k1': transcribeFrost('schnorr-secp256k1'),
}
const answers = { dkls23: transcribe(), frost }
export type KnownAnswers = typeof answers

postMessage(answers)
