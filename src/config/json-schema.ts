import { z } from 'zod'
import { configSchema } from './schema.ts'

/** JSON Schema (draft 2020-12) of `chaperone.yaml`, for editors. It knows the shape, not the checks across the file. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  return {
    ...z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'throw' }),
    title: 'Configuration of Chaperone (chaperone.yaml)',
  }
}
