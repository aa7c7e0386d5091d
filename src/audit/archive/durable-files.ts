/** Files that are there whole or not at all, also after a power cut. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Ends of names of files that are being written. */
export const partSuffix = '.part'

/** Writes the pieces to `path`, which must not be there yet, and resolves once they are on the disk. */
export async function writeNew<Result>(path: string, pieces: AsyncGenerator<string, Result>): Promise<Result> {
  const file = await open(path, 'wx', 0o600)
  try {
    for (;;) {
      const piece = await pieces.next()
      if (piece.done === true) {
        await file.sync()
        return piece.value
      }
      await file.writeFile(piece.value)
    }
  } finally {
    await file.close()
  }
}

/** Takes the place of what is there. */
export async function replaceFile(path: string, content: string): Promise<void> {
  const part = path + partSuffix
  const file = await open(part, 'w', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await moveInto(part, path)
}

/** Renames within a folder, and resolves once that is on the disk. */
export async function moveInto(from: string, path: string): Promise<void> {
  await rename(from, path)
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** SHA-256 in hex, and the length in bytes. */
export async function hashFile(path: string): Promise<Readonly<{ sha256: string; bytes: number }>> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(path)) {
    // A stream without an encoding gives buffers.
    const piece = chunk as Buffer
    hash.update(piece)
    bytes += piece.length
  }
  return { sha256: hash.digest('hex'), bytes }
}
