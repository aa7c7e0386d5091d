/** Where the store of a server party is, from the party's own variables. */
import { z } from 'zod'
import { ConfigurationError } from '../../edge/configuration-error.ts'
import { readEnv } from '../../edge/environment.ts'
import { guardFolderOf, type PartyFolders } from '../../party/node/party-store.ts'
import { StorageError } from '../../party/store/records.ts'
import { GuardMissing } from '../../party/store/store-keys.ts'

export type StoreLocation = Readonly<{ folders: PartyFolders; deviceId: string }>

const variables = z.object({
  MPC_SHARE_DIR: z.string(),
  MPC_GUARD_DIR: z.string().optional(),
  MPC_DEVICE_ID: z.string(),
})

/** @throws ConfigurationError */
export function storeLocation(env: NodeJS.ProcessEnv): StoreLocation {
  const { MPC_SHARE_DIR: shares, MPC_GUARD_DIR: guard = guardFolderOf(shares), MPC_DEVICE_ID } = readEnv(variables, env)
  return { folders: { shares, guard }, deviceId: MPC_DEVICE_ID }
}

/** What is wrong with the store, as one line that names the variable. */
export async function onStore<Result>({ folders }: StoreLocation, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof GuardMissing)
      throw new ConfigurationError('MPC_GUARD_DIR', `${folders.guard} ${error.message}`)
    if (error instanceof StorageError) throw new ConfigurationError('MPC_SHARE_DIR', error.message)
    throw error
  }
}
