/** Runs the known-answer protocol runs where a page runs its cryptography. */
import { transcribe } from '../../../unit/crypto/known-answer.ts'

postMessage(transcribe())
