import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compareFiles, normaliseOutput } from './compare-output.ts'

describe('normalising', () => {
  it('takes out what differs from run to run, and what the gateway adds', () => {
    const text =
      'ERROR:  a syntax error [CODE]\nHINT:  added\nserver process with PID 4711 at port 5432 in /tmp/x/run1\n'
    const additions = [{ pattern: / \[CODE\]$/gm }, { pattern: /^HINT: {2}added\n/gm }]
    expect(normaliseOutput(text, '/tmp/x/run1', additions)).toBe(
      'ERROR:  a syntax error\nserver process with PID # at port # in BUILD\n',
    )
  })

  it('leaves the rest alone', () => {
    const text = ' a | b \n---+---\n 1 | HINT:  added\n'
    expect(normaliseOutput(text, '/build', [{ pattern: /^HINT: {2}added\n/gm }])).toBe(text)
  })
})

describe('comparing', () => {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'compare-output-'))
  })
  afterAll(() => rm(directory, { recursive: true }))

  async function compare(one: string, two: string) {
    const files = [join(directory, 'one'), join(directory, 'two')] as const
    await writeFile(files[0], one)
    await writeFile(files[1], two)
    return compareFiles(...files)
  }

  it('counts places and shows them', async () => {
    expect(await compare('a\nb\nc\n', 'a\nb\nc\n')).toEqual({ hunks: 0, text: '' })
    const { hunks, text } = await compare('a\nb\nc\nd\n', 'A\nb\nc\nD\nE\n')
    expect(hunks).toBe(2)
    expect(text.split('\n')).toEqual(['@@ -1 +1 @@', '-a', '+A', '@@ -4 +4,2 @@', '-d', '+D', '+E', ''])
  })

  it('is not misled by lines that look like its own', async () => {
    expect((await compare('a\n', '@@ -1 +1 @@\n')).hunks).toBe(1)
  })

  it('reads any bytes', async () => {
    expect((await compare('a\0b\n', 'a\0c\n')).hunks).toBe(1)
  })
})
