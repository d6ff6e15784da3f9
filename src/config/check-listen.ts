import { Encrypter } from 'age-encryption'
import { isLoopbackHost } from '../lib/loopback.ts'
import { absolutePath, type CheckContext, items, mapping, requireFile, text } from './check-context.ts'

/** A longer path does not fit sockaddr_un on every system that is supported (macOS: 104 bytes with the end mark). */
const MAX_SOCKET_PATH_BYTES = 103

export function checkListen(context: CheckContext): void {
  const path = ['listen', 'postgres']
  const postgres = mapping(mapping(mapping(context.data)['listen'])['postgres'])
  const host = text(postgres['host']) ?? '127.0.0.1'
  const plaintext = postgres['allowPlaintextPasswordOnLoopback'] === true
  if (plaintext && !isLoopbackHost(host)) {
    const name = 'allowPlaintextPasswordOnLoopback'
    context.report([...path, name], 'cannot take effect: the host is not a loopback address.')
  }
  if (
    postgres['tls'] === undefined &&
    !plaintext &&
    mapping(mapping(context.data)['listen'])['postgres'] !== undefined
  ) {
    const message = isLoopbackHost(host)
      ? '"tls" is missing. Without it, "allowPlaintextPasswordOnLoopback: true" is needed.'
      : '"tls" is missing; tokens are accepted inside TLS only.'
    context.report(path, message, 'key')
  }
  const tls = mapping(postgres['tls'])
  for (const name of ['certificate', 'key']) requireFile(context, [...path, 'tls', name], tls[name])
}

export function checkAdmin(context: CheckContext): void {
  const root = mapping(context.data)
  const admin = mapping(root['admin'])
  if (admin['socket'] !== undefined && admin['loopbackPort'] !== undefined) {
    context.report(['admin'], 'must have "socket" or "loopbackPort", not both.', 'key')
  }
  if (admin['loopbackPort'] !== undefined) return
  const state = absolutePath(context.directory, text(root['state']) ?? 'chaperone-state')
  const socket = text(admin['socket'])
  const full = socket === undefined ? `${state}/admin.sock` : absolutePath(context.directory, socket)
  if (Buffer.byteLength(full) > MAX_SOCKET_PATH_BYTES) {
    const message = `the admin socket would be ${full}, which is longer than ${MAX_SOCKET_PATH_BYTES} bytes.`
    context.report(socket === undefined ? ['state'] : ['admin', 'socket'], message)
  }
}

export function checkJournal(context: CheckContext): void {
  const section = mapping(context.data)['journal']
  if (section === undefined) return
  const journal = mapping(section)
  const unsealed = journal['statementsAreNotSealed'] === true
  if (journal['sealTo'] !== undefined && unsealed) {
    context.report(['journal', 'statementsAreNotSealed'], 'cannot take effect: "sealTo" is there as well.')
  }
  if (journal['sealTo'] === undefined && !unsealed) {
    const message = 'needs "sealTo" with at least one age recipient, or "statementsAreNotSealed: true".'
    context.report(['journal'], message, 'key')
  }
  for (const [index, recipient] of items(journal['sealTo']).entries()) {
    const fault = recipientFault(text(recipient) ?? '')
    if (fault !== undefined) context.report(['journal', 'sealTo', index], fault)
  }
}

/** Asks the library that seals, so that both accept the same. Never quotes: it could be a private key. */
function recipientFault(recipient: string): string | undefined {
  if (/^AGE-SECRET-KEY-/i.test(recipient)) {
    return 'this is a private key; take it out of this file and put the recipient (age1…) here.'
  }
  try {
    new Encrypter().addRecipient(recipient)
    return undefined
  } catch {
    // The reason of the library quotes parts of its input.
    return 'must be an age recipient (age1…); this one is mistyped or of another kind.'
  }
}
