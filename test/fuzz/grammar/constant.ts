import type { Choices } from '../choices.ts'
import type { Kind } from '../schema.ts'
import { TwinValues } from '../twins.ts'

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`
const values = new TwinValues('a')
const [first, second, third] = [1, 2, 6].map((index) => values.patient(index))

/** Harmless ones, for anywhere. */
const PLAIN: Readonly<Record<Kind, readonly string[]>> = {
  text: ["'x'", "'north'", "''", "'one'", "'a b'"],
  int: ['1', '0', '2', '3', '12'],
  num: ['1.5', '0', '2.25'],
  date: ["date '2024-03-12'", "date '2001-01-01'"],
  ts: ["timestamptz '2024-03-12 10:00+00'"],
  bool: ['true', 'false'],
  json: [`'{"code": 1}'::jsonb`, `'[1, 2]'::jsonb`],
  uuid: ["'11111111-2222-4333-8444-555555555555'::uuid"],
  bytea: ["'\\x0102'::bytea"],
  texts: ["ARRAY['x', 'y']", "'{}'::text[]"],
  contact: ["ROW('x', 'y')::clinic.contact"],
}

/** What PHI of one side is compared with: values that split it, whole values of one side, and what may be asked. */
const TELLING: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  text: [
    "'q'",
    "'M'",
    "'88'",
    "'021'",
    "'036'",
    "'059'",
    "'02'",
    ...[first?.name, second?.ssn, third?.mrn, first?.zip, second?.digits].map((value) => quoted(value ?? '')),
  ],
  int: ['34', '89', '90', '100', '8000000000', '5', '1951', '0'],
  num: ['0', '8000', '8888.888'],
  date: [
    "date '1955-01-01'",
    "'1953-06-30'",
    "date '1953-12-31'",
    "'2016-01-01'",
    "'1957-06-30'",
    "'2016-07-01'",
    "date '2018-05-01'",
    "date '1935-01-01'",
    ...[first?.born, second?.born].map((value) => quoted(value ?? '')),
  ],
  ts: ["timestamptz '2016-01-01 00:00+00'", "timestamptz '2016-06-15 00:00+00'", "'2018-01-01'"],
  json: [`'{"who": "x"}'::jsonb`, `'{"code": "c1"}'::jsonb`],
  texts: [`ARRAY[${quoted(first?.tags[0] ?? '')}]`],
}

export const plainConstant = (choices: Choices, kind: Kind): string => choices.pick(PLAIN[kind])

/** Only to compare with: it may be a value of PHI. */
export const tellingConstant = (choices: Choices, kind: Kind): string => choices.pick(TELLING[kind] ?? PLAIN[kind])
