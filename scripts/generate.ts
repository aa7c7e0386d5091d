/** Writes src/gen from proto/. */
import { spawnSync } from 'node:child_process'

process.exitCode = spawnSync('buf', ['generate'], { cwd: new URL('..', import.meta.url), stdio: 'inherit' }).status ?? 1
