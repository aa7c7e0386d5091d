/** A service refuses to start: one line that names the environment variable and what is wrong with it. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly variable: string

  constructor(variable: string, problem: string) {
    super(`${variable}: ${problem}`)
    this.variable = variable
  }
}
