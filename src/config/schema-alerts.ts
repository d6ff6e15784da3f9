import { z } from 'zod'
import { duration } from './quantities.ts'
import { filePath, host, port } from './schema-parts.ts'
import { scheduleSchema } from './schema-schedule.ts'
import { webhooksSchema } from './schema-webhooks.ts'

/** RFC 5424, table 1; 13: log audit. */
const LOG_AUDIT = 13

const syslog = z.strictObject({
  transport: z.enum(['udp', 'tcp', 'tls']).default('tls').describe('RFC 5426, RFC 6587 or RFC 5425.'),
  host,
  port: port.optional().describe('Default: 514 for udp, 601 for tcp, 6514 for tls.'),
  ca: filePath.optional().describe('PEM; the authorities of the runtime unless given.'),
  facility: z.int().min(0).max(23).default(LOG_AUDIT).describe('Of RFC 5424.'),
})

export const alertsSchema = z
  .strictObject({
    webhooks: webhooksSchema,
    syslog: z.array(syslog).max(10).default([]),
    refusals: z
      .strictObject({
        count: z.int().min(1).max(100_000).default(20),
        within: duration('5m', '1s', '24h', 'The time in which so many are told of.'),
      })
      .prefault({})
      .describe('So many refusals of one chain.'),
    volume: z
      .union([
        z.literal('off'),
        z.strictObject({
          factor: z.number().min(1).max(10_000).default(5),
          minimumRows: z.int().min(1).max(1_000_000_000_000).default(10_000).describe('Fewer rows are never told of.'),
        }),
      ])
      .prefault({})
      .describe('Rows of one chain in an hour, as a multiple of the mean over the days before.'),
    workingHours: scheduleSchema.optional().describe('Sessions at other times are told of.'),
    firstAccess: z
      .boolean()
      .default(true)
      .describe('Tell when somebody uses a table, or sees a patient, for the first time.'),
    repeatAfter: duration('15m', '1s', '7d', 'An alert like one before is counted, not sent, for this long.'),
    maxPerHour: z.int().min(1).max(100_000).default(60).describe('Alerts that are sent in an hour at most.'),
  })
  .optional()
