/** 2000-01-01 00:00 UTC, from which binary dates and timestamps are counted. */
const EPOCH = Date.UTC(2000, 0, 1)
const DAY = 86_400_000
const MICROS = 1000n
/** 0001-01-01 and the end of 9999: years that have four digits. */
const FIRST = Date.UTC(2001, 0, 1) - 730_485 * DAY
const LAST = Date.UTC(9999, 11, 31) + DAY - 1

/** A date in binary form (date_send) in ISO 8601; undefined for infinity and what has not four digits for a year. */
export function binaryDateText(source: Buffer, start: number, end: number): string | undefined {
  return end - start === 4 ? isoText(EPOCH + source.readInt32BE(start) * DAY)?.slice(0, 10) : undefined
}

/** Likewise a timestamp (timestamp_send): `YYYY-MM-DDTHH:MM:SS.ssssss`. */
export function binaryTimestampText(source: Buffer, start: number, end: number): string | undefined {
  if (end - start !== 8) return undefined
  const micros = source.readBigInt64BE(start)
  const rest = ((micros % MICROS) + MICROS) % MICROS
  const text = isoText(EPOCH + Number((micros - rest) / MICROS))
  return text === undefined ? undefined : text.slice(0, -1) + String(rest).padStart(3, '0')
}

function isoText(time: number): string | undefined {
  return time >= FIRST && time <= LAST ? new Date(time).toISOString() : undefined
}
