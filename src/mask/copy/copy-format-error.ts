/** A row of COPY data that is not what the format says. The message is free of data. */
export class CopyFormatError extends Error {
  override readonly name = 'CopyFormatError'
}
