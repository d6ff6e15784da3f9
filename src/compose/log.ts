/** The part of a logger that the gateway uses; pino's has it. Fields never hold PHI, tokens or secrets. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
