import { type CheckContext, mapping, text } from './check-context.ts'
import { checkCredential, checkTls } from './check-targets.ts'
import { parseStoreUrl } from './store-url.ts'

const PATH = ['store']
const OF_A_SERVER = ['credential', 'tls'] as const

export function checkStore(context: CheckContext): void {
  const section = mapping(context.data)['store']
  if (typeof section !== 'object') return
  const store = mapping(section)
  if (store['directory'] !== undefined && store['url'] !== undefined) {
    context.report(PATH, 'must have "directory" or "url", not both.', 'key')
  }
  if (store['url'] === undefined) {
    for (const name of OF_A_SERVER) {
      if (store[name] !== undefined) context.report([...PATH, name], 'cannot take effect without "url".', 'key')
    }
    return
  }
  checkUrl(context, text(store['url']))
  const tls = mapping(store['tls'])
  if (store['credential'] === undefined) {
    context.report(PATH, 'needs "credential": "file", "env", "command", or "none".', 'key')
  } else checkCredential(context, [...PATH, 'credential'], store['credential'], tls['mode'])
  checkTls(context, [...PATH, 'tls'], tls)
}

/** Never quotes: it could hold a password. */
function checkUrl(context: CheckContext, url: string | undefined): void {
  if (url === undefined || parseStoreUrl(url) !== undefined) return
  const message =
    (URL.parse(url)?.password ?? '') === ''
      ? 'must be postgresql://user@host:port/database, without anything else.'
      : 'must not hold a password: "credential" says where it comes from.'
  context.report([...PATH, 'url'], message)
}
