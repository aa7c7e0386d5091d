/** Our own protocols, measured exactly as the peers are. */
import { getRandomValues, randomBytes } from 'node:crypto'
import { decodeKeyShare, encodeKeyShare } from '../../src/crypto/key-share-codec.ts'
import { createKeygen } from '../../src/crypto/keygen/keygen.ts'
import { createSign } from '../../src/crypto/sign/sign.ts'
import { nodeEngine } from '../../src/party/node/node-engine.ts'
import { runToEnd } from '../crypto.ts'
import { peerParties, peerThreshold, type PeerRuns } from './peer.ts'

const rng = (length: number) => getRandomValues(new Uint8Array(length))

export function ownRuns(): PeerRuns {
  const keygen = () => {
    const sid = randomBytes(32)
    const parties = Array.from({ length: peerParties }, (_, self) => self)
    const options = { sid, threshold: peerThreshold, parties: peerParties }
    return runToEnd(parties.map((self) => createKeygen({ ...options, self }, rng, nodeEngine)))
  }
  const stored = keygen()
    .results.slice(0, peerThreshold)
    .map((share) => encodeKeyShare(share))
  const sign = () => {
    const [sid, messageHash] = [randomBytes(32), randomBytes(32)]
    const shares = stored.map((bytes) => decodeKeyShare(bytes))
    const signers = shares.map(({ index }) => index)
    return runToEnd(shares.map((share, self) => createSign({ sid, self, signers, messageHash, share }, rng, nodeEngine)))
  }
  return { keygen, sign }
}
