/** What a column's type can do in SQL, for the shapes that need it. */
export type Trait =
  | 'string' // takes part in || and text functions without a cast
  | 'number'
  | 'temporal'
  | 'json'
  | 'array'
  | 'range'
  | 'composite'
  | 'sorted' // has a btree operator class: ORDER BY, UNION, DISTINCT, greatest()
  | 'minmax' // min() and max() are there for it

/** A column of `matrix.person` with PHI in its first two rows. */
export interface Column {
  readonly name: string
  readonly type: string
  /** Of rows 1 and 2. */
  readonly values: readonly [string, string]
  /** Of `phi.labels`; undefined leaves it unlabelled, which masks it, too. */
  readonly label: unknown
  readonly traits: ReadonlySet<Trait>
  /** Parts of the values that are PHI by themselves: members, elements, the day of a date. */
  readonly parts: readonly string[]
  /** A value of the same kind and length that no row has; for dates one of the same year as the first. */
  readonly otherGuess: string
}

const STRING: readonly Trait[] = ['string', 'sorted', 'minmax']
const NUMBER: readonly Trait[] = ['number', 'sorted', 'minmax']
const TEMPORAL: readonly Trait[] = ['temporal', 'sorted', 'minmax']

function column(
  name: string,
  type: string,
  label: unknown,
  values: readonly [string, string],
  otherGuess: string,
  traits: readonly Trait[],
  parts: readonly string[] = [],
): Column {
  return { name: `c_${name}`, type, label, values, otherGuess, traits: new Set(traits), parts }
}

const DOCUMENT = { class: 'free-text', members: { who: 'name', unit: 'none' }, others: 'mask' }

export const COLUMNS: readonly Column[] = [
  column('text', 'text', 'name', ['Qvorblaxx Zyndrimm', 'Thrumble"d\\orrø, Wex'], 'Qvorblaxy Zyndrimm', STRING),
  column(
    'varchar',
    'varchar(40)',
    'address',
    ['8391 Xylophagus Lane', '77 Vexmorrigan Pell'],
    '8391 Xylophagut Lane',
    STRING,
  ),
  column('char', 'char(14)', 'account', ['QX77123ZZJPKQW', 'KW88341YYHGTRB'], 'QX77123ZZJPKQX', STRING),
  column('name', 'name', 'other-id', ['quuxnamezz_fqp', 'plimnamezz_grw'], 'quuxnamezz_fqq', ['string', 'sorted']),
  column(
    'domain',
    'matrix.mail',
    'email',
    ['qwixx@jabberquoth.example', 'mimbl@snorflehaxx.example'],
    'qwixy@jabberquoth.example',
    STRING,
  ),
  column(
    'unlabelled',
    'text',
    undefined,
    ['Brontevexxi Oxtraventus', 'Clorptangle Yttrimblefo'],
    'Brontevexxj Oxtraventus',
    STRING,
  ),
  column('int2', 'smallint', 'other-id', ['31234', '29876'], '31235', NUMBER),
  column('int4', 'integer', 'mrn', ['1987654321', '1876543298'], '1987654322', NUMBER),
  column('int8', 'bigint', 'ssn', ['987654321987654321', '876543298765432987'], '987654321987654322', NUMBER),
  column('numeric', 'numeric(20,4)', 'account', ['7654321987.1234', '6543298761.4321'], '7654321987.1235', NUMBER),
  column('float4', 'real', 'other-id', ['76543.25', '65432.75'], '76543.75', ['number', 'sorted', 'minmax']),
  column('float8', 'double precision', 'geocode', ['7654321.625', '6543298.375'], '7654321.875', NUMBER),
  column('money', 'money', 'account', ['7654321.21', '6543298.12'], '7654321.22', ['sorted', 'minmax']),
  column('date', 'date', 'date-of-birth', ['1951-03-17', '1962-11-28'], '1951-03-18', TEMPORAL, ['-03-17', '-11-28']),
  column('time', 'time', 'date', ['03:17:51.123', '13:27:41.321'], '03:17:51.124', ['sorted', 'minmax']),
  column(
    'timestamp',
    'timestamp',
    'date',
    ['2011-03-17 03:17:51', '2012-11-28 13:27:41'],
    '2011-03-17 03:17:52',
    TEMPORAL,
    ['2011-03-17', '03:17:51', '2012-11-28', '13:27:41'],
  ),
  column(
    'timestamptz',
    'timestamptz',
    'date',
    ['2013-04-18 04:18:52+00', '2014-10-27 14:28:42+00'],
    '2013-04-18 04:18:53+00',
    TEMPORAL,
    ['2013-04-18', ':18:52', '2014-10-27', ':28:42'],
  ),
  column(
    'interval',
    'interval',
    'age',
    ['51 years 3 days 04:05:06', '62 years 7 days 08:09:10'],
    '51 years 4 days 04:05:06',
    ['sorted', 'minmax'],
    ['04:05:06', '08:09:10'],
  ),
  column(
    'uuid',
    'uuid',
    'other-id',
    ['7e57ab1e-dead-4bee-8bad-f00dcafe0001', '7e57ab1e-dead-4bee-8bad-f00dcafe0002'],
    '7e57ab1e-dead-4bee-8bad-f00dcafe0003',
    ['sorted'],
  ),
  column(
    'bytea',
    'bytea',
    'biometric',
    ['\\x516279746573667262787a7977', '\\x506279746573667262787a7976'],
    '\\x516279746573667262787a7978',
    ['sorted'],
    ['Qbytesfrbxzyw', 'Pbytesfrbxzyv'],
  ),
  column(
    'json',
    'json',
    'free-text',
    ['{"who":"Gwendraxily Plox"}', '{"who":"Kradnagorth Wibb"}'],
    '{}',
    ['json'],
    ['Gwendraxily Plox', 'Kradnagorth Wibb'],
  ),
  column(
    'jsonb',
    'jsonb',
    DOCUMENT,
    ['{"who": "Fizzlequorn Dravi", "unit": "icu"}', '{"who": "Nebulwrackk Xanth", "unit": "er"}'],
    '{"who": "Fizzlequorn Dravj", "unit": "icu"}',
    ['json', 'sorted'],
    ['Fizzlequorn Dravi', 'Nebulwrackk Xanth'],
  ),
  column('inet', 'inet', 'ip', ['203.0.113.77', '198.51.100.78'], '203.0.113.78', ['sorted', 'minmax']),
  column('cidr', 'cidr', 'ip', ['203.0.112.64/26', '198.51.99.128/25'], '203.0.112.128/26', ['sorted']),
  column('macaddr', 'macaddr', 'device', ['08:00:2b:01:02:77', '08:00:2b:01:03:78'], '08:00:2b:01:02:78', ['sorted']),
  column('varbit', 'varbit', 'biometric', ['10110111011011110111', '11011101101110101101'], '10110111011011110110', [
    'sorted',
  ]),
  column('point', 'point', 'geocode', ['(17.51625,3.25375)', '(18.61625,4.35375)'], '(0,0)', []),
  column(
    'texts',
    'text[]',
    'phone',
    ['{Zebediahh,Uvulabrant}', '{Lomquatzib,Pterogoblin}'],
    '{Zebediahi,Uvulabrant}',
    ['array', 'sorted', 'minmax'],
    ['Zebediahh', 'Uvulabrant', 'Lomquatzib', 'Pterogoblin'],
  ),
  column(
    'ints',
    'integer[]',
    'account',
    ['{1765432198,77}', '{1654321987,88}'],
    '{1765432199,77}',
    ['array', 'sorted', 'minmax'],
    ['1765432198', '1654321987'],
  ),
  column(
    'range',
    'int4range',
    'other-id',
    ['[7654123,7777456)', '[6543123,6666456)'],
    '[7654123,7777457)',
    ['range', 'sorted'],
    ['7654123', '7777456', '6543123', '6666456'],
  ),
  column('enum', 'matrix.colour', 'other-id', ['puceparrotish', 'tealtoucanish'], 'dunnderdodoic', [
    'sorted',
    'minmax',
  ]),
  column(
    'pair',
    'matrix.pair',
    'name',
    ['("Hexagrumble Eggpl",77)', '("Torquelburn Rumpl",88)'],
    '("Hexagrumble Eggpm",77)',
    ['composite', 'sorted', 'minmax'],
    ['Hexagrumble Eggpl', 'Torquelburn Rumpl'],
  ),
  column(
    'vector',
    'tsvector',
    'free-text',
    ["'oddlysnorkelfish':1", "'evenlysnarkelfowl':1"],
    "'oddlysnorkelfisi':1",
    ['sorted'],
    ['oddlysnorkelfish', 'evenlysnarkelfowl'],
  ),
]

export const has =
  (trait: Trait) =>
  (one: Column): boolean =>
    one.traits.has(trait)

export function columnNamed(name: string): Column {
  const found = COLUMNS.find((one) => one.name === name)
  if (found === undefined) throw new Error(`the matrix has no column ${name}`)
  return found
}
