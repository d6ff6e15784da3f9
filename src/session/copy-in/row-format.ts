/** How the rows of COPY … FROM STDIN are told apart, read and written. */
export interface RowFormat {
  /** Behind the row that begins at `start`; -1 while it is incomplete. `from`: what lies before has been looked at. */
  rowEnd(data: Buffer, start: number, from: number, last: boolean): number
  /** Whether there is nothing to be looked at any more, from this row on. */
  isEnd(row: Buffer): boolean
  /** Its cells, but those that are NULL, to `see`. Throws CopyFormatError when it is no row of so many columns. */
  read(row: Buffer, see: (column: number, value: Buffer) => void): void
  /** The row with other cells, by column. */
  write(row: Buffer, values: ReadonlyMap<number, Buffer>): Buffer
}
