import type { ServerResponse } from 'node:http'
import type { ErrorCode } from '../lib/errors.ts'

export function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify(value)}\n`)
}

/** RFC 9457. The code is that of an error, when something failed. */
export function problem(response: ServerResponse, status: number, title: string, code?: ErrorCode): void {
  response.writeHead(status, { 'content-type': 'application/problem+json' })
  response.end(`${JSON.stringify({ status, title, code })}\n`)
}
