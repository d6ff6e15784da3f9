import { describe, expect, it } from 'vitest'
import { printable, table, terminal } from './terminal.ts'

const bold = (isTTY: boolean, env: Record<string, string>) =>
  terminal({ stdout: stream(isTTY), stderr: stream(true), env }).bold('x')
const stream = (isTTY: boolean) => ({ write: () => true, isTTY })

describe('what is printed', () => {
  it('holds no sequence that a terminal obeys', () => {
    const evil = 'x\u001b[2J\u0007\u009b31my\r\n'
    expect(printable(evil)).toBe('x?[2J??31my??')
    expect(table(['NAME'], [[evil]]).replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
  })

  it('is not turned round', () => {
    expect(printable('delete from a\u202e\u2066 -- \u2069\u200b')).toBe('delete from a?? -- ??')
    expect(printable('Zoë, Łódź, 東京')).toBe('Zoë, Łódź, 東京')
  })

  it('lines columns up', () => {
    expect(
      table(
        ['A', 'LONG'],
        [
          ['wide one', 'x'],
          ['', 'y'],
        ],
      ),
    ).toBe('A         LONG\nwide one  x\n          y')
    expect(table(['A'], [])).toBe('A')
  })

  it('has colour on a terminal that wants it only', () => {
    expect(bold(true, {})).toContain('\u001b[1m')
    expect(bold(false, {})).toBe('x')
    expect(bold(true, { NO_COLOR: '1' })).toBe('x')
    expect(bold(true, { TERM: 'dumb' })).toBe('x')
  })
})

function progressOn(isTTY: boolean): string {
  let text = ''
  const output = { write: (part: string) => ((text += part), true), isTTY }
  terminal({ stdout: output, stderr: output, env: {} }).progress('half')
  return text
}

describe('progress', () => {
  it('replaces its line on a terminal and is silent elsewhere', () => {
    expect(progressOn(true)).toBe('\r\u001b[Khalf')
    expect(progressOn(false)).toBe('')
  })
})
