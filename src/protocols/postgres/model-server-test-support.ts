import {
  encodeCommandComplete,
  encodeCopyResponse,
  encodeDataRow,
  encodeEmptyBackend,
  encodeErrorResponse,
  encodeParameterDescription,
  encodeReadyForQuery,
  encodeRowDescription,
} from './encode.ts'
import { decodeBind, decodeClose, decodeDescribe, decodeExecute, decodeParse, decodeQuery } from './decode.ts'
import { FrameCursor } from './framing.ts'
import { DEFAULT_FRAME_LIMITS } from './limits.ts'
import { FRONTEND, type TransactionStatus } from './messages.ts'

/** What no masked client may ever receive from the model. */
export const SECRET = 'SECRET'

interface ModelPortal {
  readonly text: string
  /** Fixed when the portal is bound, as the server fixes its row type. */
  readonly returnsRows: boolean
  rows: readonly string[] | undefined
  at: number
  done: boolean
  /** Nesting of savepoints in which it was made. */
  readonly depth: number
}

class ModelError extends Error {
  readonly sqlstate: string

  constructor(sqlstate: string) {
    super(sqlstate)
    this.sqlstate = sqlstate
  }
}

/** The server keeps names in hash tables with keys of NAMEDATALEN - 1 bytes (prepare.c, portalmem.c). */
const key = (name: string): string => Buffer.from(name).subarray(0, 63).toString('latin1')

/**
 * A model of how a PostgreSQL server treats names, batches and transactions (postgres.c, prepare.c, portalmem.c), for a
 * handful of statements: `SELECT phi` and `SELECT clean` (two rows of one text column without an origin), `FAIL`, `INSERT`,
 * `COPY`, PREPARE, EXECUTE, DEALLOCATE, DISCARD ALL, DECLARE, FETCH, CLOSE, BEGIN, COMMIT, ROLLBACK, SAVEPOINT, ROLLBACK TO.
 */
export class ModelServer {
  /** Statements that ran, in order, with names replaced by what they stood for. */
  readonly executed: string[] = []
  /** Whether the gateway's question is answered with yes. */
  catalogIsAsExpected = true
  /** What is said in answer to a Sync, in front of ReadyForQuery: a deferred constraint that fails, a notification. */
  atSync: Buffer = Buffer.alloc(0)
  readonly #cursor = new FrameCursor('frontend', DEFAULT_FRAME_LIMITS)
  readonly #statements = new Map<string, string>()
  readonly #portals = new Map<string, ModelPortal>()
  #status: TransactionStatus = 'I'
  #depth = 0
  #skipping = false
  #copying: 'query' | 'execute' | undefined
  #out: Buffer[] = []

  get status(): TransactionStatus {
    return this.#status
  }

  /** Takes bytes of the gateway, gives the bytes of its answer. */
  take(bytes: Buffer): Buffer {
    this.#cursor.feed(bytes)
    this.#out = []
    while (this.#cursor.next()) {
      const { type, buffer, start, end } = this.#cursor
      this.#message(type, buffer.subarray(start, end))
    }
    return Buffer.concat(this.#out)
  }

  #message(type: number, frame: Buffer): void {
    if (this.#copying !== undefined) return this.#copyMessage(type)
    if (type === FRONTEND.Sync) {
      this.#skipping = false
      if (this.#status === 'I') this.#portals.clear()
      this.#out.push(this.atSync)
      this.#ready()
      return
    }
    if (type === FRONTEND.Terminate || type === FRONTEND.Flush) return
    if (type === FRONTEND.CopyData || type === FRONTEND.CopyDone || type === FRONTEND.CopyFail) return
    if (this.#skipping) return
    if (type === FRONTEND.Query) return this.#query(decodeQuery(frame, 5, frame.length))
    try {
      this.#extended(type, frame)
    } catch (error) {
      this.#failed(error)
      this.#skipping = true
    }
  }

  #copyMessage(type: number): void {
    const via = this.#copying
    if (type === FRONTEND.CopyDone) {
      this.#copying = undefined
      this.#out.push(encodeCommandComplete('COPY 1'))
      if (via === 'query') this.#ready()
    } else if (type === FRONTEND.CopyFail) {
      this.#copying = undefined
      this.#failed(new ModelError('57014'))
      if (via === 'query') this.#ready()
      else this.#skipping = true
    }
  }

  #query(text: string): void {
    this.#statements.delete('')
    this.#portals.delete('')
    const explicit = this.#status !== 'I'
    try {
      const parts = text
        .split(';')
        .map((part) => part.trim())
        .filter((part) => part !== '')
      if (parts.length === 0) this.#out.push(encodeEmptyBackend('EmptyQueryResponse'))
      for (const part of parts) {
        this.#syntax(part)
        this.#allowed(part)
        if (part === 'COPY') {
          this.executed.push(part)
          this.#copying = 'query'
          this.#out.push(encodeCopyResponse('CopyInResponse', 0, [0]))
          return
        }
        const rows = this.#run(part)
        if (rows !== undefined) {
          this.#out.push(description(), ...rows.map((row) => encodeDataRow([row])))
        }
        this.#out.push(encodeCommandComplete(this.#tag(part, rows?.length ?? 0)))
      }
    } catch (error) {
      this.#failed(error)
    }
    if (!explicit && this.#status === 'I') this.#portals.clear()
    this.#ready()
  }

  #extended(type: number, frame: Buffer): void {
    const end = frame.length
    switch (type) {
      case FRONTEND.Parse: {
        const { name, sql } = decodeParse(frame, 5, end)
        if (name === '') this.#statements.delete('')
        this.#syntax(sql)
        this.#allowed(sql)
        if (name !== '' && this.#statements.has(key(name))) throw new ModelError('42P05')
        this.#statements.set(key(name), sql)
        this.#out.push(encodeEmptyBackend('ParseComplete'))
        return
      }
      case FRONTEND.Bind: {
        const { portal, statement } = decodeBind(frame, 5, end)
        const text = this.#statements.get(key(statement))
        if (text === undefined) throw new ModelError('26000')
        this.#allowed(text)
        if (portal !== '' && this.#portals.has(key(portal))) throw new ModelError('42P03')
        const returnsRows = this.#returnsRows(text)
        this.#portals.set(key(portal), { text, returnsRows, rows: undefined, at: 0, done: false, depth: this.#depth })
        this.#out.push(encodeEmptyBackend('BindComplete'))
        return
      }
      case FRONTEND.Describe: {
        const { target, name } = decodeDescribe(frame, 5, end)
        if (target === 'S') {
          const text = this.#statements.get(key(name))
          if (text === undefined) throw new ModelError('26000')
          this.#out.push(encodeParameterDescription([]))
          this.#out.push(this.#returnsRows(text) ? description() : encodeEmptyBackend('NoData'))
        } else {
          const portal = this.#portals.get(key(name))
          if (portal === undefined) throw new ModelError('34000')
          this.#out.push(portal.returnsRows ? description() : encodeEmptyBackend('NoData'))
        }
        return
      }
      case FRONTEND.Execute:
        return this.#execute(decodeExecute(frame, 5, end))
      case FRONTEND.Close: {
        const { target, name } = decodeClose(frame, 5, end)
        if (target === 'S') this.#statements.delete(key(name))
        else this.#portals.delete(key(name))
        this.#out.push(encodeEmptyBackend('CloseComplete'))
        return
      }
      default:
        throw new ModelError('08P01')
    }
  }

  #execute({ portal: name, maxRows }: { readonly portal: string; readonly maxRows: number }): void {
    const portal = this.#portals.get(key(name))
    if (portal === undefined) throw new ModelError('34000')
    this.#allowed(portal.text)
    if (portal.done && !portal.returnsRows) throw new ModelError('55000')
    if (portal.text === 'COPY') {
      portal.done = true
      this.executed.push('COPY')
      this.#copying = 'execute'
      this.#out.push(encodeCopyResponse('CopyInResponse', 0, [0]))
      return
    }
    if (portal.rows === undefined) portal.rows = this.#run(portal.text) ?? []
    const until = maxRows === 0 ? portal.rows.length : Math.min(portal.rows.length, portal.at + maxRows)
    const rows = portal.rows.slice(portal.at, until)
    portal.at = until
    if (portal.returnsRows) this.#out.push(...rows.map((row) => encodeDataRow([row])))
    if (maxRows > 0 && rows.length === maxRows) {
      this.#out.push(encodeEmptyBackend('PortalSuspended'))
      return
    }
    portal.done = true
    this.#out.push(encodeCommandComplete(this.#tag(portal.text, rows.length)))
  }

  #syntax(text: string): void {
    if (text.startsWith('chaperone refused')) throw new ModelError('42601')
  }

  #allowed(text: string): void {
    if (this.#status === 'E' && !/^(ROLLBACK|COMMIT)/.test(text)) throw new ModelError('25P02')
  }

  #returnsRows(text: string): boolean {
    if (text.startsWith('SELECT') || text.startsWith('FETCH')) return true
    if (!text.startsWith('EXECUTE ')) return false
    const named = this.#statements.get(key(text.slice('EXECUTE '.length)))
    if (named === undefined) throw new ModelError('26000')
    return this.#returnsRows(named)
  }

  /** The rows of a statement that has some. */
  #run(text: string): readonly string[] | undefined {
    const [command = '', name = '', ...rest] = text.split(' ')
    switch (command) {
      // The gateway's own: the question, and the question by its name. What takes locks is never run.
      case 'execute':
        if (!this.#statements.has(key(name.slice(0, name.indexOf('('))))) throw new ModelError('26000')
        return this.#answer()
      case 'select':
        return this.#answer()
      case 'SELECT':
        this.executed.push(text)
        return name === 'phi' ? [`${SECRET}-1`, `${SECRET}-2`] : ['clean-1', 'clean-2']
      case 'FAIL':
        throw new ModelError('22012')
      case 'INSERT':
        this.executed.push(text)
        return undefined
      case 'PREPARE':
        if (this.#statements.has(key(name))) throw new ModelError('42P05')
        this.#statements.set(key(name), rest.slice(1).join(' '))
        return undefined
      case 'EXECUTE': {
        const named = this.#statements.get(key(name))
        if (named === undefined) throw new ModelError('26000')
        return this.#run(named)
      }
      case 'DEALLOCATE':
        if (name === 'ALL') this.#forgetNamed()
        else if (!this.#statements.delete(key(name))) throw new ModelError('26000')
        return undefined
      case 'DISCARD':
        if (this.#status !== 'I') throw new ModelError('25001')
        this.#forgetNamed()
        this.#portals.clear()
        return undefined
      case 'DECLARE':
        if (this.#status !== 'T') throw new ModelError('25P01')
        if (this.#portals.has(key(name))) throw new ModelError('42P03')
        this.#portals.set(key(name), {
          text: rest.slice(2).join(' '),
          returnsRows: true,
          rows: undefined,
          at: 0,
          done: false,
          depth: this.#depth,
        })
        return undefined
      case 'FETCH': {
        const portal = this.#portals.get(key(name))
        if (portal === undefined) throw new ModelError('34000')
        portal.rows ??= this.#run(portal.text) ?? []
        return portal.rows.slice(portal.at++, portal.at)
      }
      case 'CLOSE':
        if (name === 'ALL') this.#portals.clear()
        else if (!this.#portals.delete(key(name))) throw new ModelError('34000')
        return undefined
      case 'BEGIN':
        if (this.#status === 'I') this.#status = 'T'
        return undefined
      case 'COMMIT':
        this.#endTransaction()
        return undefined
      case 'SAVEPOINT':
        if (this.#status !== 'T') throw new ModelError('25P01')
        this.#depth++
        return undefined
      case 'ROLLBACK':
        if (name !== 'TO') {
          this.#endTransaction()
          return undefined
        }
        if (this.#depth === 0) throw new ModelError('3B001')
        for (const [at, portal] of this.#portals) if (portal.depth >= this.#depth) this.#portals.delete(at)
        this.#status = 'T'
        return undefined
      default:
        throw new ModelError('42601')
    }
  }

  #forgetNamed(): void {
    for (const name of this.#statements.keys()) if (name !== '') this.#statements.delete(name)
  }

  #answer(): readonly string[] {
    if (!this.catalogIsAsExpected) throw new ModelError('22012')
    return []
  }

  #endTransaction(): void {
    this.#status = 'I'
    this.#depth = 0
    this.#portals.clear()
  }

  #failed(error: unknown): void {
    if (!(error instanceof ModelError)) throw error
    this.#out.push(
      encodeErrorResponse({ severity: 'ERROR', sqlstate: error.sqlstate, message: `${SECRET} in a message` }),
    )
    if (this.#status === 'T') this.#status = 'E'
    if (this.#status === 'I') this.#portals.clear()
  }

  #tag(text: string, rows: number): string {
    const [command = ''] = text.split(' ')
    if (command === 'SELECT' || command === 'EXECUTE') return `SELECT ${rows}`
    if (command === 'FETCH') return `FETCH ${rows}`
    if (command === 'INSERT') return 'INSERT 0 1'
    return command
  }

  #ready(): void {
    this.#out.push(encodeReadyForQuery(this.#status))
  }
}

const description = (): Buffer =>
  encodeRowDescription([{ name: 'x', tableOid: 0, attnum: 0, typeOid: 25, typmod: -1, format: 0 }])
