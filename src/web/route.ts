import { z } from 'zod'
import type { VerifiedIdentity } from '../identity/verified-identity.ts'
import { HttpError } from './problem.ts'

/** Who asks. */
export interface Caller {
  readonly identity: VerifiedIdentity
  /** token: in the Authorization header. page: the cookie of a browser that signed in. */
  readonly via: 'token' | 'page'
  /** When a browser's user proved who they are, where the issuer says so. */
  readonly authenticatedAt: number | undefined
}

export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface Call<Params, Query, Body> {
  readonly caller: Caller
  readonly params: Params
  readonly query: Query
  readonly body: Body
}

interface Description {
  readonly operation: string
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Parameters as in `/v1/approvals/:id`. */
  readonly path: string
  readonly summary: string
  /** What comes back when it works. */
  readonly answer: { readonly status: number; readonly schema: z.ZodType }
}

/** A route of the API with its schemas: what is checked is what /v1/openapi.json describes. */
export interface Route extends Description {
  readonly params: z.ZodType
  readonly query: z.ZodType
  /** Of a JSON document; undefined: there is none. */
  readonly body: z.ZodType | undefined
  handle(caller: Caller, raw: RawCall): Promise<Answer>
}

export interface RawCall {
  readonly params: unknown
  readonly query: unknown
  readonly body: unknown
}

const NOTHING = z.strictObject({})

interface Definition<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType,
  Result extends z.ZodType,
> extends Description {
  readonly params?: Params
  readonly query?: Query
  readonly body?: Body
  readonly answer: { readonly status: number; readonly schema: Result }
  handle(call: Call<z.output<Params>, z.output<Query>, z.output<Body>>): Promise<z.input<Result>> | z.input<Result>
}

type Nothing = typeof NOTHING

/** Checks what comes in, before `handle` sees it, and what goes out: what the schema does not name is not sent. */
export function route<
  Result extends z.ZodType,
  Params extends z.ZodType = Nothing,
  Query extends z.ZodType = Nothing,
  Body extends z.ZodType = Nothing,
>(definition: Definition<Params, Query, Body, Result>): Route {
  const { operation, method, path, summary, answer } = definition
  const params = definition.params ?? NOTHING
  const query = definition.query ?? NOTHING
  const body = definition.body ?? NOTHING
  return {
    operation,
    method,
    path,
    summary,
    answer,
    params,
    query,
    body: method === 'GET' ? undefined : body,
    handle: async (caller, raw) => {
      const call = {
        caller,
        params: parsed(params, raw.params, 'path'),
        query: parsed(query, raw.query, 'query'),
        body: method === 'GET' ? undefined : parsed(body, raw.body, 'body'),
      }
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- these are the outputs of the schemas of this definition
      const result = await definition.handle(call as Call<z.output<Params>, z.output<Query>, z.output<Body>>)
      return { status: answer.status, body: answer.schema.parse(result) }
    },
  }
}

/** Tells where the fault is and of what kind; never the value. */
function parsed(schema: z.ZodType, value: unknown, where: string): unknown {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const faults = result.error.issues
    .slice(0, 5)
    .map(({ path, code }) => `${[where, ...path.map(safeName)].join('.')} (${code})`)
  throw new HttpError(400, 'CHP-REQUEST-INVALID', `not accepted: ${faults.join(', ')}`)
}

const safeName = (name: PropertyKey): string => (/^\w{1,40}$/.test(String(name)) ? String(name) : '?')
