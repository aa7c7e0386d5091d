#!/usr/bin/env node
/** The `mpc` command: the sources of a checkout, or the built JavaScript of an installed package. Plain JavaScript. */
import { existsSync } from 'node:fs'

if (existsSync(new URL('../src/cli/main.ts', import.meta.url))) {
  process.argv.splice(2, 0, 'mpc')
  await import('./run.mjs')
} else {
  await import('../dist/cli/main.js')
}
