import { expect, it } from 'vitest'
import { isUtf8Name } from './encoding-name.ts'

it.each(['UTF8', 'utf-8', 'Utf_8', ' utf 8 ', 'UNICODE', 'unicode', "'utf8'"])('takes %s for UTF-8', (name) => {
  expect(isUtf8Name(name)).toBe(true)
})

it.each(['', 'utf', 'utf16', 'utf81', 'utf8x', 'unicod', 'LATIN1', 'SQL_ASCII', 'ütf8', 'utf８'])(
  'takes %s for something else',
  (name) => {
    expect(isUtf8Name(name)).toBe(false)
  },
)
