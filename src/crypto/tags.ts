/**
 * Every hash of this folder starts with one of these tags, and every use has its own: that is what keeps a value hashed
 * for one purpose from ever meaning anything in another (domain separation). A test asserts that no two are equal.
 */
const common = 'mpc-system/dkls23/secp256k1/v1' // the name that these have had since DKLs23 was the only protocol
/** What version 4 left as it was; there is no 3. */
const former = 'mpc-system/dkls23/secp256k1/v2'
/** What it changed: the expansion of OT rows and seeds, RVOLE, and the messages of signing. */
const present = 'mpc-system/dkls23/secp256k1/v4'
const frost = 'mpc-system/frost/v1'

export const tag = {
  roster: `${common}/roster`,
  sessionId: `${common}/session-id`,
  keygenSession: `${present}/keygen/session`,
  /** Of version 2, whose runs look the same from outside: for spectators of old logs. As below. */
  formerKeygenSession: `${former}/keygen/session`,
  keygenCommitment: `${former}/keygen/commitment`,
  keygenConfirmation: `${former}/keygen/confirmation`,
  chainCode: `${former}/keygen/chain-code`,
  zeroShareSeed: `${former}/keygen/zero-share-seed`,
  pairConfirmation: `${former}/keygen/pair-confirmation`,
  proofOfContribution: `${former}/keygen/proof-of-contribution`,
  proofOfShare: `${former}/keygen/proof-of-share`,
  baseOtPair: `${former}/base-ot/pair`,
  baseOtPoint: `${former}/base-ot/point`,
  baseOtKey: `${former}/base-ot/key`,
  bootstrapPair: `${former}/base-ot/reverse-pair`,
  otColumnKey: `${present}/ot-extension/column-key`,
  otChallenge: `${former}/ot-extension/challenge`,
  otMatrix: `${former}/ot-extension/matrix`,
  otRow: `${present}/ot-extension/row`,
  rvolePair: `${present}/rvole/pair`,
  rvoleGadget: `${present}/rvole/gadget`,
  rvoleTransfer: `${present}/rvole/transfer`,
  rvoleTau: `${present}/rvole/tau`,
  rvoleTheta: `${present}/rvole/theta`,
  rvoleCheck: `${present}/rvole/check`,
  signSession: `${present}/sign/session`,
  formerSignSession: `${former}/sign/session`,
  signCommitment: `${present}/sign/commitment`,
  signNonces: `${present}/sign/nonces-and-key-shares`,
  zeroShare: `${present}/sign/zero-share`,
  frostKeygenSession: `${frost}/keygen/session`,
  frostParticipant: `${frost}/keygen/participant`,
  frostConfirmation: `${frost}/keygen/confirmation`,
  frostSignSession: `${frost}/sign/session`,
  broadcastView: `${common}/broadcast-view`,
} as const

export type Tag = (typeof tag)[keyof typeof tag]
