import * as fs from 'node:fs'
import { codeOf } from '../lib/error-code.ts'

/**
 * The system calls that the journal makes to write. Tests replace them to let each one fail. Synchronous where the
 * hot path or the order of events needs it; `fdatasync` and `statfs` are the two that would block for long.
 */
export interface JournalFs {
  openSync(path: string, flags: number, mode?: number): number
  closeSync(fd: number): void
  writeSync(fd: number, bytes: Uint8Array, offset: number, length: number): number
  fdatasync(fd: number, done: (error: Error | null) => void): void
  fsyncSync(fd: number): void
  ftruncateSync(fd: number, length: number): void
  mkdirSync(path: string, options: { readonly recursive: true; readonly mode: number }): void
  readdirSync(path: string): string[]
  readFileSync(path: string): Buffer
  statSync(path: string): { readonly size: number; readonly mode: number }
  renameSync(from: string, to: string): void
  linkSync(existing: string, created: string): void
  unlinkSync(path: string): void
  statfs(
    path: string,
    done: (error: Error | null, space: { readonly bavail: number; readonly bsize: number }) => void,
  ): void
}

export const nodeFs: JournalFs = {
  openSync: (path, flags, mode) => fs.openSync(path, flags, mode),
  closeSync: (fd) => fs.closeSync(fd),
  writeSync: (fd, bytes, offset, length) => fs.writeSync(fd, bytes, offset, length),
  fdatasync: (fd, done) => fs.fdatasync(fd, done),
  fsyncSync: (fd) => fs.fsyncSync(fd),
  ftruncateSync: (fd, length) => fs.ftruncateSync(fd, length),
  mkdirSync: (path, options) => {
    fs.mkdirSync(path, options)
  },
  readdirSync: (path) => fs.readdirSync(path),
  readFileSync: (path) => fs.readFileSync(path),
  statSync: (path) => fs.statSync(path),
  renameSync: (from, to) => fs.renameSync(from, to),
  linkSync: (existing, created) => fs.linkSync(existing, created),
  unlinkSync: (path) => fs.unlinkSync(path),
  statfs: (path, done) => fs.statfs(path, done),
}

/** New, ours alone, and every write goes to the end. */
export const CREATE_APPEND = fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL | fs.constants.O_APPEND
export const CREATE_NEW = fs.constants.O_WRONLY | fs.constants.O_CREAT | fs.constants.O_EXCL
export const WRITE_EXISTING = fs.constants.O_WRONLY
const READ_DIRECTORY = fs.constants.O_RDONLY

/** Makes created, renamed and removed names of a directory durable. */
export function syncDirectory(system: JournalFs, directory: string): void {
  const fd = system.openSync(directory, READ_DIRECTORY)
  try {
    system.fsyncSync(fd)
  } finally {
    system.closeSync(fd)
  }
}

/** The error number's name ("ENOSPC"), or "unknown". Never the message, which may hold paths. */
export function errorName(thrown: unknown): string {
  return codeOf(thrown) ?? (thrown instanceof Error ? thrown.name : 'unknown')
}

export function isNoSpace(thrown: unknown): boolean {
  const name = errorName(thrown)
  return name === 'ENOSPC' || name === 'EDQUOT'
}

/**
 * Writes every byte or throws. A short write is an error of its own; one attempt at the rest is made only to learn the
 * reason, because a disk that fills up shows itself as a short write first.
 */
export function writeWhole(system: JournalFs, fd: number, bytes: Uint8Array): void {
  const written = system.writeSync(fd, bytes, 0, bytes.length)
  if (written === bytes.length) return
  system.writeSync(fd, bytes, written, bytes.length - written)
  throw new ShortWrite()
}

class ShortWrite extends Error {
  readonly code = 'short write'
}
