import { describe, expect, it } from 'vitest'
import { TOKEN_FORMS } from '../../src/phi/tokens/stand-ins.ts'
import { newToken, TOKEN_RANDOM_BYTES } from '../../src/phi/tokens/token-text.ts'
import type { Received } from '../support/wire-client.ts'
import { bindOf } from './bound.ts'
import { reference, resolved } from './references.ts'
import { renamed, tokensIn } from './token-spelling.ts'
import { Vocabulary } from './vocabulary.ts'

const token = (form: (typeof TOKEN_FORMS)[number], number = 7) =>
  newToken(form, Buffer.alloc(TOKEN_RANDOM_BYTES, number))
const rows = (...cells: readonly (Buffer | string)[]): Received[] =>
  cells.map((cell) => ({ kind: 'DataRow', values: [Buffer.from(cell)] }))
const shown = (told: readonly Received[]) =>
  renamed(told, () => '#').flatMap((message) => (message.kind === 'DataRow' ? message.values.map(String) : []))

/** As numeric_send writes it, without a fraction. */
const numeric = (...groups: readonly number[]) => {
  const words = [groups.length, 3, 0x4000, 0, ...groups]
  const bytes = Buffer.alloc(words.length * 2)
  for (const [index, word] of words.entries()) bytes.writeUInt16BE(word, index * 2)
  return bytes
}

const uuids = (numbers: readonly number[]) => rows(...numbers.map((number) => token('uuid', number)))

describe('tokens are found in an answer', () => {
  it.each(TOKEN_FORMS)('%s', (form) => {
    const text = token(form)
    expect(shown(rows(text, `{"${text}",1}`, `(a,${text})`, `{"k": ${text}}\n`))).toEqual([
      '#',
      '{"#",1}',
      '(a,#)',
      '{"k": #}\n',
    ])
    expect(tokensIn(rows(text, 'x', text))).toEqual([text, text])
  })

  it.each([
    ['int4', 'integer'],
    ['int8', 'bigint'],
    ['uuid', 'uuid'],
  ] as const)('in binary format: %s', (type, form) => {
    const [value = Buffer.alloc(0)] = bindOf(
      [{ text: token(form), type, format: 1, declared: true }],
      () => '',
    ).parameters
    const length = Buffer.alloc(4)
    length.writeInt32BE(value.length)
    expect(value).not.toHaveLength(token(form).length)
    expect(shown(rows(value, Buffer.concat([length, value])))).toEqual(['#', expect.stringContaining('#')])
  })

  it('in binary numerics, whose last digits can be missing', () => {
    expect(tokensIn(rows(numeric(4503, 5996, 2737, 497), numeric(5000, 1)))).toEqual([
      '-4503599627370497',
      '-5000000100000000',
    ])
    expect(shown(rows(numeric(4503, 5996, 2737, 497)))).toEqual(['#'])
  })

  it('in upper case, which somebody else has made of them', () => {
    expect(shown(rows(token('text').toUpperCase()))).toEqual(['#^'])
  })

  it.each(['tok_', '-15', '1500000000', '-1500000000000', '~abc', '2024-03-12', '+1 617 555 0134'])(
    'but not in %j',
    (text) => {
      expect(shown(rows(text))).toEqual([text])
    },
  )
})

describe('tokens of two sides', () => {
  const [a, b, c, d] = [1, 2, 3, 4].map((number) => token('text', number))

  it('have to be equal where those of the other side are', () => {
    const vocabulary = new Vocabulary()
    expect(vocabulary.agree(rows(a ?? '', b ?? '', a ?? ''), rows(c ?? '', d ?? '', c ?? ''), true)).toBe(true)
    expect(vocabulary.agree(rows(b ?? '', a ?? ''), rows(c ?? '', d ?? ''), false)).toBe(true)
    expect(vocabulary.agree(rows(a ?? '', b ?? ''), rows(c ?? '', c ?? ''), true)).toBe(false)
  })

  it.each([
    ['a side has one twice', [1, 1], [3, 4]],
    ['the other side has one twice', [1, 2], [3, 3]],
  ])('differ when %s', (_what, one, other) => {
    expect(new Vocabulary().agree(uuids(one), uuids(other), true)).toBe(false)
  })
})

it.each([
  ['quoted', 'O\'\'Neil \\ "x"'],
  ['plain', 'O\'Neil \\ "x"'],
  ['json', `O''Neil \\\\ \\"x\\"`],
  ['list', `O''Neil \\\\ \\"x\\"`],
  ['copy', `O'Neil \\\\ "x"`],
  ['csv', `O'Neil \\ ""x""`],
] as const)('a reference is written %s', (style, written) => {
  expect(
    resolved(`<${reference('name', 3, style)}>`, (column, row) =>
      column === 'name' && row === 3 ? 'O\'Neil \\ "x"' : '',
    ),
  ).toBe(`<${written}>`)
})
