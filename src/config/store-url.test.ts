import { describe, expect, it } from 'vitest'
import { parseStoreUrl } from './store-url.ts'

describe('the URL of the store', () => {
  it.each([
    [
      'postgresql://chaperone@db.example.org/state',
      { host: 'db.example.org', port: 5432, database: 'state', user: 'chaperone' },
    ],
    ['postgres://c%40d@10.0.0.7:6000/a%20b', { host: '10.0.0.7', port: 6000, database: 'a b', user: 'c@d' }],
    ['postgresql://u@[::1]:5433/d', { host: '::1', port: 5433, database: 'd', user: 'u' }],
  ])('%s', (url, place) => {
    expect(parseStoreUrl(url)).toEqual(place)
  })

  it.each([
    'db.example.org',
    'mysql://u@h/d',
    'postgresql://h/d',
    'postgresql://u@h',
    'postgresql://u@h/',
    'postgresql://u@/d',
    'postgresql://u:secret@h/d',
    'postgresql://u@h/d?sslmode=disable',
    'postgresql://u@h/d#x',
    'postgresql://u@h/d/e',
    'postgresql://u@h/a%2Fb',
    'postgresql://u@h,k/d',
    'postgresql://u@h/%ff',
    'postgresql://u@h:0x10/d',
    'postgresql://u@h/a%00',
    `postgresql://u@h/${'d'.repeat(64)}`,
  ])('is not %s', (url) => {
    expect(parseStoreUrl(url)).toBeUndefined()
  })
})
