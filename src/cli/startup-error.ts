/** Something on this machine keeps the system from starting: shown to the person as one line, without a stack. */
export class StartupError extends Error {
  override readonly name = 'StartupError'
}
