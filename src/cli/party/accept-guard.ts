/** `mpc party accept-guard` */
import { acceptGuardIn } from '../../party/node/accept-guard.ts'
import { keyEncryptionFromEnv } from '../../party/node/key-encryption-from-env.ts'
import { onStore, storeLocation } from './store-location.ts'

/** @throws ConfigurationError */
export async function acceptGuard(env: NodeJS.ProcessEnv): Promise<void> {
  const location = storeLocation(env)
  const { folders, deviceId } = location
  const encryption = keyEncryptionFromEnv(env, 'MPC_')
  try {
    const accepted = await onStore(location, () => acceptGuardIn(folders, encryption, deviceId))
    const { guard, guardId, bans, frozenKeys, keysWithPolicy } = accepted
    console.log(`guard ${guardId} in ${folders.guard} (${guard}): ${bans} bans, ${frozenKeys} frozen keys are known`)
    if (keysWithPolicy > 0)
      console.log(`${keysWithPolicy} keys with a policy refuse approvals that were made until now`)
  } finally {
    encryption.close()
  }
}
