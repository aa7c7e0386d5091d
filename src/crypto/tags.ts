/**
 * Every hash of this folder starts with one of these tags, and every use has its own: that is what keeps a value hashed
 * for one purpose from ever meaning anything in another (domain separation). A test asserts that no two are equal.
 */
const common = 'mpc-system/dkls23/secp256k1/v1' // the name that these have had since DKLs23 was the only protocol
const protocol = 'mpc-system/dkls23/secp256k1/v2'
/** What signing changed since: RVOLE's pads and weights, and its messages. */
const signing = 'mpc-system/dkls23/secp256k1/v3'
const frost = 'mpc-system/frost/v1'

export const tag = {
  roster: `${common}/roster`,
  sessionId: `${common}/session-id`,
  keygenSession: `${protocol}/keygen/session`,
  keygenCommitment: `${protocol}/keygen/commitment`,
  keygenConfirmation: `${protocol}/keygen/confirmation`,
  chainCode: `${protocol}/keygen/chain-code`,
  zeroShareSeed: `${protocol}/keygen/zero-share-seed`,
  pairConfirmation: `${protocol}/keygen/pair-confirmation`,
  proofOfContribution: `${protocol}/keygen/proof-of-contribution`,
  proofOfShare: `${protocol}/keygen/proof-of-share`,
  baseOtPair: `${protocol}/base-ot/pair`,
  baseOtPoint: `${protocol}/base-ot/point`,
  baseOtKey: `${protocol}/base-ot/key`,
  bootstrapPair: `${protocol}/base-ot/reverse-pair`,
  otColumnKey: `${protocol}/ot-extension/column-key`,
  otChallenge: `${protocol}/ot-extension/challenge`,
  otMatrix: `${protocol}/ot-extension/matrix`,
  otRow: `${protocol}/ot-extension/row`,
  rvolePair: `${signing}/rvole/pair`,
  rvoleGadget: `${signing}/rvole/gadget`,
  rvoleTransfer: `${signing}/rvole/transfer`,
  rvoleTau: `${signing}/rvole/tau`,
  rvoleTheta: `${signing}/rvole/theta`,
  rvoleCheck: `${signing}/rvole/check`,
  signSession: `${signing}/sign/session`,
  /** Of version 2, whose runs look the same from outside: for spectators of old logs. */
  formerSignSession: `${protocol}/sign/session`,
  signCommitment: `${signing}/sign/commitment`,
  signNonces: `${signing}/sign/nonces-and-key-shares`,
  zeroShare: `${signing}/sign/zero-share`,
  frostKeygenSession: `${frost}/keygen/session`,
  frostParticipant: `${frost}/keygen/participant`,
  frostConfirmation: `${frost}/keygen/confirmation`,
  frostSignSession: `${frost}/sign/session`,
  broadcastView: `${common}/broadcast-view`,
} as const

export type Tag = (typeof tag)[keyof typeof tag]
