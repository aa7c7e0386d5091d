/** Published threshold-ECDSA libraries to measure beside ours, all parties in one process, as in `bench/crypto.ts`. */

export type Peer = Readonly<{
  /** npm package and exact version. */
  name: string
  version: string
  /** Of the archive, as npm writes it: what is run is what was measured before. */
  integrity: string
  /** What the table calls it. */
  title: string
  licence: string
  /** `folder`: the unpacked package. */
  open: (folder: string) => Promise<PeerRuns>
}>

/** Runs between fresh parties, each to its end. `bytes`: all messages, a broadcast counted once. */
export type PeerRuns = Readonly<{
  /** 2 of 3, all three parties. */
  keygen: () => Readonly<{ bytes: number }>
  /** Two signers with shares of one key, read from their stored form as a wallet does. */
  sign: () => Readonly<{ bytes: number }>
}>

export const peerThreshold = 2
export const peerParties = 3
