import { z } from 'zod'
import { WEEKDAYS } from './config.ts'
import { isTimezone, parseTimeOfDay } from './time-of-day.ts'

const timeOfDay = (description: string) =>
  z
    .string({ error: 'must be a time of day like "07:30"' })
    .transform((text, context) => {
      const minutes = parseTimeOfDay(text)
      if (minutes !== undefined) return minutes
      context.issues.push({ code: 'custom', message: 'must be a time of day like "07:30"', input: text })
      return z.NEVER
    })
    .meta({ description, pattern: '^\\d\\d:\\d\\d$' })

export const scheduleSchema = z
  .strictObject({
    days: z
      .array(z.enum(WEEKDAYS))
      .min(1)
      .default([...WEEKDAYS])
      .describe('Days on which it begins.'),
    from: timeOfDay('Local time, like "07:00".'),
    to: timeOfDay('Local time, not included; before "from": of the next day. "24:00" is the end of the day.'),
    timezone: z
      .string()
      .refine(isTimezone, 'must be a time zone of the IANA database, like Europe/Berlin')
      .describe('IANA name, like Europe/Berlin.'),
  })
  .refine(({ from, to }) => from !== to, 'must not begin and end at the same time')
