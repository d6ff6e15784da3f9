import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { BenchFailure } from './processes.ts'

const README = fileURLToPath(new URL('README.md', import.meta.url))
const BEGIN = '<!-- results: begin, written by "npm run bench -- --write-readme" -->'
const END = '<!-- results: end -->'

/** The text between the markers is replaced; everything else stays. */
export function replaceResults(document: string, results: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)]
  if (begin === -1 || end < begin) throw new BenchFailure('bench/README.md has no markers for the results')
  return `${document.slice(0, begin + BEGIN.length)}\n\n${results.trim()}\n\n${document.slice(end)}`
}

export function writeReadme(results: string): void {
  writeFileSync(README, replaceResults(readFileSync(README, 'utf8'), results))
}
