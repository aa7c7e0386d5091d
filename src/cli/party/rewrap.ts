/** `mpc party rewrap`: rotation of the key-encryption key. */
import { ConfigurationError } from '../../edge/configuration-error.ts'
import { fileRecords } from '../../party/node/file-records.ts'
import { keyEncryptionFromEnv, namesKey } from '../../party/node/key-encryption-from-env.ts'
import { rewrapKeyFiles } from '../../party/store/rewrap.ts'
import { onStore, storeLocation } from './store-location.ts'

/** @throws ConfigurationError */
export async function rewrap(newest: boolean, env: NodeJS.ProcessEnv): Promise<void> {
  const location = storeLocation(env)
  const { folders, deviceId } = location
  if (newest === namesKey(env, 'MPC_NEW_')) {
    const problem = newest ? 'must not be set with --newest' : 'must be set, or another MPC_NEW_ key, or give --newest'
    throw new ConfigurationError('MPC_NEW_KEK_FILE', problem)
  }
  const from = keyEncryptionFromEnv(env, 'MPC_')
  const to = newest ? from : keyEncryptionFromEnv(env, 'MPC_NEW_')
  const keyFiles = { shares: fileRecords(folders.shares, '.key'), guard: fileRecords(folders.guard, '.key') }
  try {
    const results = await onStore(location, () => rewrapKeyFiles(keyFiles, deviceId, from, to))
    for (const { store, before, after, changed } of results) {
      console.log(changed ? `${store}: ${before.join(', ')} → ${after}` : `${store}: ${after} already`)
    }
  } finally {
    from.close()
    to.close()
  }
}
