/**
 * Records as files of one folder, mode 0600. A write goes to a temporary file that is flushed and then renamed over the
 * old one, and the folder is flushed too: a crash at any point leaves the old record or the new one.
 */
import { randomUUID } from 'node:crypto'
import { access, constants, open, readdir, readFile, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { isRecordName, requireRecordName, StorageError, type Records } from '../store/records.ts'
import { makeFolder } from './make-folder.ts'

const temporaryEnding = '.tmp'

/**
 * `ending` such as '.share' tells the kinds of records in one folder apart. Removes what a crash left of unfinished
 * writes. @throws StorageError when the folder cannot be used.
 */
export async function openFileRecords(folder: string, ending: string): Promise<Records> {
  await attempt('cannot be used', folder, async () => {
    makeFolder(folder, 0o700)
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    for (const file of await readdir(folder)) {
      if (file.includes(`${ending}.`) && file.endsWith(temporaryEnding)) await unlink(join(folder, file))
    }
  })
  return fileRecords(folder, ending)
}

/** Records of a folder that is there, without touching it: another process may be writing. */
export function fileRecords(folder: string, ending: string): Records {
  const pathOf = (name: string): string => {
    requireRecordName(name)
    return join(folder, `${name}${ending}`)
  }
  return {
    put: async (name, bytes) => {
      const path = pathOf(name)
      await attempt('cannot be written', path, async () => {
        const temporary = `${path}.${randomUUID()}${temporaryEnding}`
        try {
          await writeFlushed(temporary, bytes)
          await rename(temporary, path)
        } catch (error) {
          await unlink(temporary).catch(() => undefined)
          throw error
        }
        await flushFolder(folder)
      })
    },
    get: async (name) => {
      const path = pathOf(name)
      try {
        return new Uint8Array(await readFile(path))
      } catch (error) {
        if (isMissing(error)) return null
        throw storageError('cannot be read', path, error)
      }
    },
    list: () =>
      attempt('cannot be read', folder, async () => {
        const files = (await readdir(folder)).filter((file) => file.endsWith(ending))
        return files
          .map((file) => file.slice(0, -ending.length))
          .filter(isRecordName)
          .sort()
      }),
    remove: async (name) => {
      const path = pathOf(name)
      await attempt('cannot be removed', path, async () => {
        await unlink(path).catch((error: unknown) => {
          if (!isMissing(error)) throw error
        })
        await flushFolder(folder)
      })
    },
  }
}

async function writeFlushed(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function flushFolder(folder: string): Promise<void> {
  const directory = await open(folder, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

async function attempt<T>(problem: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw storageError(problem, path, error)
  }
}

function storageError(problem: string, path: string, cause: unknown): StorageError {
  const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : ''
  return new StorageError(`${path} ${problem}${code}`, { cause })
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
