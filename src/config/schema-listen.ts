import { z } from 'zod'
import { duration, size } from './quantities.ts'
import { filePath, host, port, postgresName, shortName } from './schema-parts.ts'
import { secretSchema } from './schema-webhooks.ts'

const limits = z
  .strictObject({
    maxConnections: z.int().min(1).max(100_000).default(1000).describe('Client connections at the same time.'),
    maxConnectionsPerAddress: z.int().min(1).max(100_000).default(200).describe('The same from one address.'),
    handshakeTimeout: duration('10s', '100ms', '5m', 'From accepting a connection to the end of its login.'),
    idleTimeout: duration('30m', '1s', '7d', 'A session without a statement for this long is ended.'),
    statementTimeout: duration('5m', '100ms', '7d', 'A statement that runs longer is cancelled.'),
    maxQueryBytes: size('1MiB', '1KiB', '64MiB', 'Length of one statement string.'),
    maxRowBytes: size('64MiB', '64KiB', '1GiB', 'Length of any other message: a row, parameters, COPY data.'),
    maxPipelined: z
      .int()
      .min(1)
      .max(100_000)
      .default(1000)
      .describe('Messages of a client that wait for their answer.'),
    maxPreparedStatements: z.int().min(1).max(100_000).default(1000).describe('Prepared statements of one session.'),
  })
  .prefault({})

const listenTls = z.strictObject({
  certificate: filePath.describe('PEM, with the chain.'),
  key: filePath.describe('PEM.'),
})

const postgres = z.strictObject({
  host: host.default('127.0.0.1').describe('Address to listen on; 0.0.0.0 or :: for all.'),
  port: z.int().min(0).max(65535).default(6432).describe('0 lets the system choose.'),
  tls: listenTls
    .optional()
    .describe('Required unless allowPlaintextPasswordOnLoopback is set and host is a loopback address.'),
  allowPlaintextPasswordOnLoopback: z
    .boolean()
    .default(false)
    .describe('Accept tokens without TLS. Only with a loopback host.'),
  oauthUser: postgresName
    .default('oauth')
    .describe(
      'Clients that log in as this user are offered OAUTHBEARER; all others are asked for a token as password.',
    ),
  limits,
})

const signIn = z.strictObject({
  issuer: shortName.describe('Name of an issuer.'),
  clientId: z.string().min(1).max(500),
  clientSecret: secretSchema.optional().describe('Where the secret of the client is. Default: a public client.'),
  cliClientId: z.string().min(1).max(500).optional().describe('Public client of the command line (chaperone login).'),
  scopes: z.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be a scope')).default(['openid', 'profile']),
})

/** What goes together, `check-web.ts` knows. */
const web = z.strictObject({
  host: host.default('127.0.0.1').describe('Address to listen on; 0.0.0.0 or :: for all.'),
  port: z.int().min(0).max(65535).default(6480).describe('0 lets the system choose.'),
  tls: listenTls.optional().describe('Required unless host is a loopback address.'),
  publicUrl: z.string().describe('How clients reach it: https://host or https://host:port, without a path.'),
  signIn: signIn.optional().describe('How people sign in with a browser.'),
})

export const listenSchema = z.strictObject({
  postgres,
  web: web.optional().describe('For people and agents: token exchange, requests and approvals.'),
})

export const adminSchema = z
  .strictObject({
    socket: filePath.optional().describe('Unix socket of the admin API; <state>/admin.sock unless given.'),
    loopbackPort: port.optional().describe('A TCP port on 127.0.0.1 instead of the socket.'),
  })
  .prefault({})

export const journalSchema = z.strictObject({
  directory: filePath.optional().describe('Default: <state>/journal.'),
  durability: z
    .enum(['fsync', 'process-crash'])
    .default('fsync')
    .describe('What a record survives before an answer leaves: loss of power, or only the end of the process.'),
  segmentSize: size('64MiB', '64KiB', '1GiB', 'A new file is begun at this size.'),
  bodyKey: z
    .strictObject({ file: filePath })
    .optional()
    .describe('Key that encrypts bodies at rest. Default: <state>/body.key.'),
  sealTo: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('age recipients (age1…) to which the exact statements are sealed.'),
  statementsAreNotSealed: z
    .boolean()
    .default(false)
    .describe('Keep no exact statements. Either this or sealTo is required.'),
  minimumFreeSpace: size('1GiB', '1MiB', '999999GiB', 'Warn when less is free.'),
  reserveSpace: size('64MiB', '1MiB', '999999GiB', 'Kept back so that sessions end in order on a full disk.'),
})
