import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import toolchain from '../toolchain/package.json' with { type: 'json' }

const pins: Readonly<Record<string, string>> = toolchain.optionalDependencies
const pin = pins[`node-${process.platform}-${process.arch}`]

describe('the runtime', () => {
  it.skipIf(pin === undefined)('is the pinned Node.js, not the one that npm happens to run on', () => {
    expect(process.version).toBe(`v${pin}`)
    expect(process.execPath).toBe(
      join(
        import.meta.dirname,
        '..',
        'toolchain',
        'node_modules',
        `node-${process.platform}-${process.arch}`,
        'bin',
        'node',
      ),
    )
  })

  it('is a Node.js 24 that is new enough where no binary is pinned', () => {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
    expect(major).toBe(24)
    expect(minor).toBeGreaterThanOrEqual(12)
  })

  it('strips types by itself: no loader, no flag that would hide a construct that cannot be erased', () => {
    expect(process.features.typescript).toBe('strip')
    const flags = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(' ')].join(' ')
    expect(flags).not.toMatch(/--(?:experimental-)?transform-types|--no-(?:experimental-)?strip-types|--loader|\btsx\b/)
  })

  it.skipIf(pin === undefined)('brings the headers that native add-ons are built against', () => {
    const home = join(process.execPath, '..', '..')
    expect(existsSync(join(home, 'include', 'node', 'node_version.h'))).toBe(true)
    expect(process.env['npm_config_nodedir'] ?? home).toBe(home)
  })
})
