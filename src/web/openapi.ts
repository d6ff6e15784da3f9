import { z } from 'zod'
import type { Route } from './route.ts'

const PROBLEM = {
  description: 'What is wrong (RFC 9457).',
  content: {
    'application/problem+json': {
      schema: {
        type: 'object',
        required: ['status', 'title', 'code'],
        properties: {
          status: { type: 'integer' },
          title: { type: 'string' },
          code: { type: 'string', description: 'stable: docs/errors.md' },
          hint: { type: 'string' },
        },
      },
    },
  },
} as const

/** The API as an OpenAPI 3.1 document, made of the schemas that requests and answers are checked with. */
export function openApiOf(
  routes: readonly Route[],
  { publicUrl, version }: { publicUrl: string; version: string },
): object {
  const paths: Record<string, Record<string, object>> = {}
  const schemas: Record<string, object> = {}
  const collect: Collect = (schema, io) => {
    const { $schema: _, $defs = {}, ...rest } = z.toJSONSchema(schema, { io, reused: 'inline' })
    for (const [name, definition] of Object.entries($defs)) schemas[name] = inComponents(definition)
    return inComponents(rest)
  }
  for (const one of routes) {
    const path = one.path.replaceAll(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [one.method.toLowerCase()]: operationOf(one, collect) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Chaperone', version },
    servers: [{ url: publicUrl }],
    security: [{ token: [] }, { page: [] }],
    components: {
      schemas,
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        page: { type: 'apiKey', in: 'cookie', name: '__Host-chaperone' },
      },
    },
    paths,
  }
}

type Collect = (schema: z.ZodType, io: 'input' | 'output') => object

/** Zod refers to definitions inside of each schema; an OpenAPI document has them in one place. */
const inComponents = (schema: object): object =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an object goes in
  JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as object

const operationOf = ({ operation, summary, params, query, body, answer }: Route, collect: Collect): object => ({
  operationId: operation,
  summary,
  parameters: [...parametersOf(params, 'path'), ...parametersOf(query, 'query')],
  ...(body === undefined
    ? {}
    : { requestBody: { required: true, content: { 'application/json': { schema: collect(body, 'input') } } } }),
  responses: {
    [answer.status]: {
      description: 'It worked.',
      content: { 'application/json': { schema: collect(answer.schema, 'output') } },
    },
    default: PROBLEM,
  },
})

function parametersOf(schema: z.ZodType, place: 'path' | 'query'): readonly object[] {
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input' })
  return Object.entries(properties).map(([name, type]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: type,
  }))
}
