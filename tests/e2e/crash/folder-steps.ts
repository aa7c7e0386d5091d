/** What a party writes into its folder, as seen from outside while it happens. */
import { existsSync, watch } from 'node:fs'
import { join } from 'node:path'

/** Steps: `share begun` (its temporary file is there), `share stored` (renamed), `share removed`; so for others. */
export function watchFolder(folder: string, onStep: (step: string) => void): () => void {
  const begun = new Set<string>()
  const watcher = watch(folder, (event, file) => {
    if (event !== 'rename' || file === null) return
    const [, kind, temporary] = file.split('.')
    if (kind === undefined) return
    if (temporary === undefined) return onStep(`${kind} ${existsSync(join(folder, file)) ? 'stored' : 'removed'}`)
    if (!begun.has(file)) onStep(`${kind} begun`)
    begun.add(file)
  })
  return () => watcher.close()
}
