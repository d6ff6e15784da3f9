import { type CheckContext, items, mapping, requireFile } from './check-context.ts'
import { checkWebhooks } from './check-secrets.ts'

const PATH = ['alerts']

export function checkAlerts(context: CheckContext): void {
  const { webhooks, syslog } = mapping(mapping(context.data)['alerts'])
  checkWebhooks(context, [...PATH, 'webhooks'], webhooks)
  const others = items(mapping(mapping(context.data)['approvals'])['webhooks']).map((one) => mapping(one)['name'])
  for (const [index, item] of items(webhooks).entries()) {
    const { name } = mapping(item)
    if (typeof name !== 'string' || !others.includes(name)) continue
    context.report([...PATH, 'webhooks', index, 'name'], `${JSON.stringify(name)} is in "approvals.webhooks" already.`)
  }
  for (const [index, item] of items(syslog).entries()) {
    const { transport, ca } = mapping(item)
    const path = [...PATH, 'syslog', index, 'ca']
    requireFile(context, path, ca)
    if (ca !== undefined && (transport ?? 'tls') !== 'tls') {
      context.report(path, 'cannot take effect: the transport is not tls.', 'key')
    }
  }
}
