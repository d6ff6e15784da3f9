/**
 * The rooms and what each may import, as data; docs/adr/0001-rooms.md says why.
 */

/** 'types' means `import type` only: nothing of the other room runs. */
export type Reach = 'values' | 'types'

export interface Room {
  /** A folder (with a slash at the end) or one file. The longest match wins. */
  readonly path: string
  readonly mayImport: Readonly<Record<string, Reach>> | 'everything'
  /** Why the row is what it is; printed when it is broken. */
  readonly why: string
}

export const ROOMS: readonly Room[] = [
  {
    path: 'src/main.ts',
    mayImport: 'everything',
    why: 'the composition root is the only place that constructs and connects rooms',
  },
  {
    path: 'src/compose/',
    mayImport: 'everything',
    why: 'parts of the composition root, one file for what belongs together; they decide nothing',
  },
  {
    path: 'src/check-live.ts',
    mayImport: 'everything',
    why: 'a second composition root: the command "check" connects the same rooms to look and not to serve',
  },
  {
    path: 'src/label-set.ts',
    mayImport: { 'src/phi/': 'values', 'src/config/': 'types' },
    why: 'it turns the labels of the configuration into those of phi, for the composition roots',
  },
  { path: 'src/version.ts', mayImport: {}, why: 'it is one constant' },
  { path: 'src/lib/', mayImport: {}, why: 'leaves have no domain words, so they need nobody' },
  {
    path: 'src/config/',
    mayImport: { 'src/lib/': 'values', 'src/phi/': 'values' },
    why: 'configuration names PHI classes; what else it must check (CEL) is handed to it, so that it knows no other room',
  },
  {
    path: 'src/listener/',
    mayImport: { 'src/lib/': 'values', 'src/config/': 'types', 'src/protocols/protocol.ts': 'types' },
    why: 'accepting a connection must not depend on what is done with it',
  },
  {
    path: 'src/identity/',
    mayImport: { 'src/lib/': 'values', 'src/config/': 'types' },
    why: 'who somebody is must not depend on what they ask',
  },
  {
    path: 'src/session/',
    mayImport: {
      'src/lib/': 'values',
      'src/inspect/': 'values',
      'src/decide/': 'values',
      'src/mask/': 'values',
      'src/phi/': 'values',
      'src/record/': 'values',
      'src/forward/': 'values',
      'src/protocols/protocol.ts': 'values',
      'src/identity/': 'types',
      'src/identity/principal.ts': 'values',
      'src/config/': 'types',
      'src/vault/': 'types',
      'src/detect/': 'types',
      'src/approve/': 'types',
      'src/approve/operation-digest.ts': 'values',
      'src/budget/': 'values',
      'src/alert/': 'types',
    },
    why: 'a session lines up the stages; it knows no protocol beyond the common interface and makes no identities',
  },
  {
    path: 'src/inspect/',
    mayImport: { 'src/lib/': 'values' },
    why: 'facts come from the statement and the catalog alone',
  },
  {
    path: 'src/phi/',
    mayImport: { 'src/lib/': 'values', 'src/inspect/': 'types' },
    why: 'what is PHI does not depend on who asks',
  },
  {
    path: 'src/decide/',
    mayImport: {
      'src/lib/': 'values',
      'src/inspect/': 'types',
      'src/phi/': 'types',
      'src/identity/': 'values',
      'src/config/': 'types',
      'src/budget/budget.ts': 'types',
    },
    why: 'policy is a pure function of identity, operation and context',
  },
  {
    path: 'src/policy/',
    mayImport: {
      'src/lib/': 'values',
      'src/config/': 'values',
      'src/decide/': 'values',
      'src/identity/': 'values',
      'src/inspect/': 'types',
      'src/approve/': 'types',
      'src/approve/subject-digest.ts': 'values',
      'src/approve/request-state.ts': 'values',
    },
    why: 'versions, tests and replay decide with the functions of decide and no others; what is stored or analysed is handed to them',
  },
  {
    path: 'src/mask/',
    mayImport: { 'src/lib/': 'values', 'src/phi/': 'values', 'src/inspect/': 'types' },
    why: 'masking is pure and fast; who is cleared was decided before',
  },
  {
    path: 'src/forward/',
    mayImport: { 'src/lib/': 'values', 'src/config/': 'types', 'src/protocols/protocol.ts': 'types' },
    why: 'dialling holds credentials, so nothing else may be in reach of it',
  },
  {
    path: 'src/record/',
    mayImport: { 'src/lib/': 'values', 'src/config/': 'types' },
    why: 'the journal stores what it is given; it must not reach for more',
  },
  {
    path: 'src/vault/',
    mayImport: { 'src/lib/': 'values', 'src/phi/': 'values' },
    why: 'tokens and their keys: what is stored where, it asks through an interface of its own',
  },
  {
    path: 'src/store/',
    mayImport: {
      'src/lib/': 'values',
      'src/vault/': 'types',
      'src/phi/': 'types',
      'src/approve/': 'types',
      'src/notify/': 'types',
      'src/budget/': 'types',
      'src/identity/': 'types',
      'src/alert/': 'types',
      'src/decide/': 'types',
      'src/policy/': 'types',
    },
    why: 'the store keeps rows; what they mean, and the keys, are not its business',
  },
  {
    path: 'src/detect/',
    mayImport: { 'src/lib/': 'values', 'src/phi/': 'types' },
    why: 'it asks a service outside for spans of text; what is done with them is decided elsewhere',
  },
  {
    path: 'src/approve/',
    mayImport: { 'src/lib/': 'values', 'src/config/': 'types', 'src/notify/': 'types' },
    why: 'who may decide, and when it counts, depends on no protocol and no store',
  },
  {
    path: 'src/notify/',
    mayImport: { 'src/lib/': 'values' },
    why: 'it delivers messages to webhooks; what they say, and where they wait, it is handed',
  },
  {
    path: 'src/budget/',
    mayImport: { 'src/lib/': 'values', 'src/config/': 'types' },
    why: 'counting knows what is counted, not what it is for',
  },
  {
    path: 'src/alert/',
    mayImport: { 'src/lib/': 'values', 'src/config/': 'types' },
    why: 'alerts come from events that rooms hand over; they reach back into none',
  },
  {
    path: 'src/web/',
    mayImport: {
      'src/lib/': 'values',
      'src/config/': 'types',
      'src/identity/': 'values',
      'src/approve/': 'types',
    },
    why: 'what people and agents reach over https; it decides nothing itself',
  },
  {
    path: 'src/api/',
    mayImport: {
      'src/lib/': 'values',
      'src/session/': 'values',
      'src/record/': 'values',
      'src/identity/': 'types',
      'src/config/': 'types',
      'src/vault/': 'types',
      'src/policy/': 'types',
      'src/approve/': 'types',
    },
    why: 'the API shows and steers what runs; it takes no part in the data path',
  },
  {
    path: 'src/protocols/protocol.ts',
    mayImport: { 'src/lib/': 'values', 'src/inspect/': 'types', 'src/mask/': 'types' },
    why: 'the interface that all protocols share cannot lean on one of them',
  },
  {
    path: 'src/protocols/postgres/',
    mayImport: {
      'src/lib/': 'values',
      'src/inspect/': 'types',
      'src/mask/': 'types',
      'src/protocols/protocol.ts': 'values',
    },
    why: 'a protocol knows the gate and nothing behind it',
  },
  {
    path: 'cli/',
    mayImport: 'everything',
    why: 'commands that need no running gateway open the rooms themselves (docs/adr/0001-rooms.md)',
  },
  { path: 'demo/', mayImport: 'everything', why: 'the demo plays operator and client' },
  { path: 'bench/', mayImport: 'everything', why: 'measurements reach into rooms' },
  { path: 'test/', mayImport: 'everything', why: 'tests that cross rooms' },
  { path: 'tools/', mayImport: 'everything', why: 'generators and set-up' },
]

/** What shipped code stands without: `cli/` may start the demo, and both are published; the rest is not. */
export const OUT_OF_REACH: Readonly<Record<string, readonly string[]>> = {
  'src/': ['cli/', 'demo/', 'bench/', 'test/', 'tools/'],
  'cli/': ['bench/', 'test/', 'tools/'],
  'demo/': ['bench/', 'test/', 'tools/'],
}

/** Rooms that compute and do nothing else. */
export const PURE_ROOMS = ['src/inspect/', 'src/decide/', 'src/mask/', 'src/phi/'] as const

/** Ways to reach the outside world. Subpaths (`node:fs/promises`) count with their module. */
export const OUTSIDE_WORLD = [
  'node:net',
  'node:tls',
  'node:http',
  'node:https',
  'node:http2',
  'node:fs',
  'node:child_process',
  'node:dgram',
  'node:dns',
  'node:cluster',
  'node:process',
] as const

/** What a codec must not import on top of that: anything that waits or tells the time. */
export const WAITING = ['node:stream', 'node:events', 'node:timers', 'node:perf_hooks', 'node:worker_threads'] as const

/** Names that stand for a promise or a clock. */
export const PROMISES_AND_CLOCKS = [
  'async',
  'await',
  'Promise',
  'Date',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
] as const

/** Sans-I/O files of a protocol folder: bytes in, messages out. */
export const CODEC =
  /^src\/protocols\/[^/]+\/(?:(?:messages|framing|frames?|decode|encode|state|data-?row)[^/]*\.ts$|auth\/)/

/** Files beside the codec that are no part of it, each with the reason. */
export const BESIDE_THE_CODEC: Readonly<Record<string, string>> = {
  'src/protocols/postgres/auth/scram-keys.ts':
    'derives a key for milliseconds, so it does that off the event loop; the exchange itself (scram.ts) stays pure',
}

/** Files over the size limit that are tables of data, each with the reason it is one file. */
export const DATA_TABLES: Readonly<Record<string, string>> = {}
