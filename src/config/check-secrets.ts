import { isLoopbackHost } from '../lib/loopback.ts'
import { type CheckContext, items, mapping, requireFile, requireUnique, text } from './check-context.ts'
import type { Path } from './problem.ts'
import type { Data } from './yaml-document.ts'

const SOURCES = ['file', 'env', 'command'] as const

/** A reference to a secret that may also come from a command: that it names one place, and that something is there. */
export function checkSecret(context: CheckContext, path: Path, value: Data): void {
  if (typeof value !== 'object' || value === null) return
  const secret = mapping(value)
  const sources = SOURCES.filter((source) => secret[source] !== undefined)
  if (sources.length !== 1) context.report(path, 'needs one of "file", "env" and "command".', 'key')
  if (secret['timeout'] !== undefined && secret['command'] === undefined) {
    context.report([...path, 'timeout'], 'cannot take effect without "command".', 'key')
  }
  requireFile(context, [...path, 'file'], secret['file'])
  const variable = text(secret['env'])
  if (variable !== undefined && (context.environment[variable] ?? '') === '') {
    context.report([...path, 'env'], `the environment variable ${JSON.stringify(variable)} is not set.`)
  }
}

/** Receivers of notifications. */
export function checkWebhooks(context: CheckContext, path: Path, value: Data): void {
  requireUnique(context, value, path, 'name')
  for (const [index, item] of items(value).entries()) {
    const { url, secret, ca } = mapping(item)
    const at = [...path, index]
    checkHttpsUrl(context, [...at, 'url'], url)
    checkSecret(context, [...at, 'secret'], secret)
    requireFile(context, [...at, 'ca'], ca)
    if (ca !== undefined && URL.parse(text(url) ?? '')?.protocol === 'http:') {
      context.report([...at, 'ca'], 'cannot take effect: it is not asked over TLS.', 'key')
    }
  }
}

/** https, or http to a loopback address; nothing in it that could be a secret. */
export function checkHttpsUrl(context: CheckContext, path: Path, value: Data): void {
  const url = text(value)
  if (url === undefined) return
  const parsed = URL.parse(url)
  if (parsed?.protocol !== 'https:' && !(parsed?.protocol === 'http:' && isLoopbackHost(parsed.hostname))) {
    context.report(path, 'must be an https URL, or http to a loopback address.')
  } else if (parsed.username !== '' || parsed.password !== '' || parsed.hash !== '') {
    context.report(path, 'must be a URL without user name, password and fragment.')
  }
}
