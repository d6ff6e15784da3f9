import { closeSync, fdatasyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { VERSION } from '../src/version.ts'
import type { BenchOptions } from './options.ts'
import type { Programs } from './programs.ts'

/** What figures can't be read without. */
export interface MachineFacts {
  readonly date: string
  readonly chaperone: string
  readonly node: string
  readonly postgres: string
  readonly psql: string | undefined
  readonly pgbench: string | undefined
  readonly pgbouncer: string | undefined
  readonly system: string
  readonly processor: string
  readonly cores: number
  readonly memoryGiB: number
  readonly filesystem: string
  /** Processes that wanted to run, on average over the minute before the run (0 on a quiet machine). */
  readonly loadBefore: number
  /** Median and 95th percentile of fdatasync after an append of 300 bytes where the journals are, in milliseconds. */
  readonly fdatasyncMs: { readonly p50: number; readonly p95: number }
}

/** statfs(2), the ones that a journal may be met on. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x01021994: 'tmpfs',
  0x794c7630: 'overlayfs',
  0x2fc12fc1: 'zfs',
}

export function machineFacts(
  options: BenchOptions,
  programs: Programs,
  postgres: string,
  loadBefore: number,
): MachineFacts {
  const directory = options.directory ?? tmpdir()
  const type = statfsSync(directory).type
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' ').concat(' UTC'),
    chaperone: VERSION,
    node: process.versions.node,
    postgres,
    psql: programs.psql?.version,
    pgbench: programs.pgbench?.version,
    pgbouncer: programs.pgbouncer?.version,
    system: `${process.platform} ${release()} ${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    filesystem: FILE_SYSTEMS[type] ?? `type 0x${type.toString(16)}`,
    loadBefore: Number(loadBefore.toFixed(2)),
    fdatasyncMs: measureSync(directory),
  }
}

const SYNCS = 200

function measureSync(directory: string): MachineFacts['fdatasyncMs'] {
  const file = join(directory, `chaperone-bench-sync-${process.pid}`)
  const fd = openSync(file, 'wx', 0o600)
  const times: number[] = []
  try {
    const bytes = Buffer.alloc(300, 0x2e)
    for (let index = 0; index < SYNCS; index++) {
      writeSync(fd, bytes)
      const started = performance.now()
      fdatasyncSync(fd)
      times.push(performance.now() - started)
    }
  } finally {
    closeSync(fd)
    rmSync(file)
  }
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => Number((sorted[Math.floor(SYNCS * share)] ?? 0).toFixed(3))
  return { p50: at(0.5), p95: at(0.95) }
}
