/**
 * How the receiver of each damaged field ends, whom it can name, and what follows; of signing:
 * sign-damage.ts (docs/protocol.md, "When a check fails").
 */
import type { Abort } from '../../../src/crypto/protocol.ts'
import type { Consequence } from './sign-damage.ts'

/** By round, channel and field. */
export type Consequences = Readonly<Record<string, Consequence>>

const sender = (reason: Abort['reason']): Consequence => ({ reason, blame: 'names the sender', severity: 'retry' })
const nobody = (reason: Abort['reason']): Consequence => ({ reason, blame: 'names nobody', severity: 'retry' })

/** Of any field that is no point or scalar any more. */
export const malformed = sender('malformed-message')

export const keygenConsequences: Consequences = {
  '1 broadcast session': nobody('session-mismatch'),
  '1 broadcast commitment': nobody('view-mismatch'),
  '2 broadcast session': nobody('session-mismatch'),
  '2 broadcast view': nobody('view-mismatch'),
  '2 broadcast contribution': sender('commitment-mismatch'),
  '2 broadcast proofNonce': sender('commitment-mismatch'),
  '2 broadcast proofResponse': sender('commitment-mismatch'),
  '2 broadcast chainCodeShare': sender('commitment-mismatch'),
  '2 broadcast salt': sender('commitment-mismatch'),
  '2 direct session': nobody('session-mismatch'),
  '2 direct share': sender('share-invalid'),
  '2 direct zeroShare': sender('confirmation-mismatch'),
  '2 direct baseOtKey': sender('confirmation-mismatch'),
  '2 direct baseOtPoints': sender('confirmation-mismatch'),
  '3 broadcast session': nobody('session-mismatch'),
  '3 broadcast view': nobody('view-mismatch'),
  '3 broadcast publicShare': sender('public-key-mismatch'),
  '3 broadcast proofNonce': sender('proof-invalid'),
  '3 broadcast proofResponse': sender('proof-invalid'),
  '3 direct session': nobody('session-mismatch'),
  '3 direct pairConfirmation': sender('confirmation-mismatch'),
  '3 direct u': sender('ot-check-failed'),
  '3 direct xHat': sender('ot-check-failed'),
  '3 direct tHat': sender('ot-check-failed'),
  '4 broadcast session': nobody('session-mismatch'),
  '4 broadcast confirmation': nobody('confirmation-mismatch'),
}

/** What a field of a FROST message holds is opaque to its codec. */
export type FrostField = Consequence & Readonly<{ holds: 'bytes' | 'points' | 'scalar' }>

const bytes = (consequence: Consequence): FrostField => ({ ...consequence, holds: 'bytes' })
const points = (consequence: Consequence): FrostField => ({ ...consequence, holds: 'points' })
const scalar = (consequence: Consequence): FrostField => ({ ...consequence, holds: 'scalar' })

export const frostKeygenConsequences: Readonly<Record<string, FrostField>> = {
  '1 broadcast session': bytes(nobody('session-mismatch')),
  '1 broadcast constantCommitment': points(sender('proof-invalid')),
  '1 broadcast otherCommitments': points(nobody('view-mismatch')),
  '1 broadcast proof': bytes(sender('proof-invalid')),
  '2 broadcast session': bytes(nobody('session-mismatch')),
  '2 broadcast view': bytes(nobody('view-mismatch')),
  '2 direct session': bytes(nobody('session-mismatch')),
  '2 direct share': scalar(sender('share-invalid')),
  '3 broadcast session': bytes(nobody('session-mismatch')),
  '3 broadcast confirmation': bytes(nobody('confirmation-mismatch')),
}

export const frostSignConsequences: Readonly<Record<string, FrostField>> = {
  '1 broadcast session': bytes(nobody('session-mismatch')),
  '1 broadcast hiding': points(nobody('view-mismatch')),
  '1 broadcast binding': points(nobody('view-mismatch')),
  '2 broadcast session': bytes(nobody('session-mismatch')),
  '2 broadcast view': bytes(nobody('view-mismatch')),
  '2 broadcast share': scalar(sender('signature-share-invalid')),
}
