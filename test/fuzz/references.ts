import type { TwinPatient } from './twins.ts'

/**
 * A statement names a value of PHI as `⟨column.row⟩`, with how it is to be written behind a colon: the sides have a token of
 * their own for it. Rows count from 1, as their ids do.
 */
const REFERENCE = /⟨(?<column>[a-z]+)\.(?<row>[0-9]+)(?::(?<style>[a-z]+))?⟩/gu

/** Columns of patients that are referred to. */
export type Referred = Exclude<keyof TwinPatient, 'age' | 'tags' | 'photo' | 'born' | 'seen' | 'zip' | 'initials'>

export type Style = 'quoted' | 'plain' | 'json' | 'list' | 'plainlist' | 'copy' | 'csv' | 'upper'

export const reference = (column: Referred, row: number, style: Style): string => `⟨${column}.${row}:${style}⟩`

/** The text with what a reference stands for. */
export function resolved(text: string, valueOf: (column: string, row: number) => string): string {
  return text.replaceAll(REFERENCE, (_all, column: string, row: string, style: string) =>
    written(valueOf(column, Number(row)), style),
  )
}

const quoted = (text: string): string => text.replaceAll("'", "''")
const escaped = (text: string): string => text.replaceAll(/["\\]/g, '\\$&')

/** A text in a style. */
export function written(value: string, style: string): string {
  switch (style) {
    case 'plain':
      return value
    case 'json':
      return quoted(JSON.stringify(value).slice(1, -1))
    case 'list':
      return quoted(escaped(value))
    case 'plainlist':
      return escaped(value)
    case 'copy':
      return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\t', '\\t')
    case 'csv':
      return value.replaceAll('"', '""')
    case 'upper':
      return quoted(value.toUpperCase())
    default:
      return quoted(value)
  }
}
