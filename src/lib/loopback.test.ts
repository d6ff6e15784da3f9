import { describe, expect, it } from 'vitest'
import { isLoopbackHost } from './loopback.ts'

describe('isLoopbackHost', () => {
  it.each(['localhost', '127.0.0.1', '127.1.2.3', '::1', '[::1]'])('knows %s', (host) => {
    expect(isLoopbackHost(host)).toBe(true)
  })

  it.each(['', '0.0.0.0', '::', '10.127.0.1', '127.0.0.1.example.org', '127.example.org', 'localhost.example.org'])(
    'takes %j for another machine',
    (host) => {
      expect(isLoopbackHost(host)).toBe(false)
    },
  )
})
