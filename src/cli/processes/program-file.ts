/** Programs of ours that run as processes of their own. */
import { fileURLToPath } from 'node:url'

/** The file at `path` (`./x.ts`), seen from the module at `from`: in the built package it is JavaScript, as that is. */
export function programFile(path: string, from: string): string {
  return fileURLToPath(new URL(from.endsWith('.ts') ? path : path.replace(/\.ts$/, '.js'), from))
}
