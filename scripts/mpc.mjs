#!/usr/bin/env node
/** The `mpc` command of a checkout: `npx mpc --help`. Plain JavaScript for Node 20.19 and newer. */
process.argv.splice(2, 0, 'mpc')
await import('./run.mjs')
