import { loadModule } from 'libpg-query'
import { beforeAll, describe, expect, it } from 'vitest'
import type { CopyFormat } from '../../facts.ts'
import { flow } from '../flow-test-support.ts'

beforeAll(() => loadModule())

const TEXT: CopyFormat = { format: 'text', delimiter: '\t', null: '\\N', header: false, quote: '"', escape: '"' }
const CSV: CopyFormat = { ...TEXT, format: 'csv', delimiter: ',', null: '' }

describe('the format of COPY … TO STDOUT', () => {
  it.each<[options: string, format: CopyFormat | undefined]>([
    ['', TEXT],
    ['(FORMAT text)', TEXT],
    ['WITH (HEADER)', { ...TEXT, header: true }],
    ['(HEADER off)', TEXT],
    ['(HEADER 1)', { ...TEXT, header: true }],
    ['(HEADER match)', undefined],
    ['(FORMAT csv)', CSV],
    ['CSV', CSV],
    ['WITH CSV HEADER', { ...CSV, header: true }],
    ["WITH DELIMITER ';' NULL AS 'x'", { ...TEXT, delimiter: ';', null: 'x' }],
    ["USING DELIMITERS '|'", { ...TEXT, delimiter: '|' }],
    ["(FORMAT csv, QUOTE '''')", { ...CSV, quote: "'", escape: "'" }],
    ["CSV QUOTE '!' ESCAPE '\\' FORCE QUOTE *", { ...CSV, quote: '!', escape: '\\' }],
    ["(FORMAT csv, DELIMITER E'\\t', FORCE_QUOTE (ssn))", { ...CSV, delimiter: '\t' }],
    ["(ENCODING 'utf8')", TEXT],
    ["(ENCODING 'LATIN1')", undefined],
    ['BINARY', { ...TEXT, format: 'binary' }],
    ["(FORMAT 'json')", undefined],
    ['(FORMAT csv, FORMAT text)', undefined],
    ['(SOMETHING new)', undefined],
  ])('%s', (options, format) => expect(flow(`COPY visits TO STDOUT ${options}`).copy).toEqual(format))

  it('is not told of other places and directions', () => {
    expect(flow("COPY visits TO '/tmp/x'").copy).toBeUndefined()
    expect(flow("COPY visits TO PROGRAM 'cat'").copy).toBeUndefined()
    expect(flow('COPY visits FROM STDIN').copy).toBeUndefined()
  })
})
