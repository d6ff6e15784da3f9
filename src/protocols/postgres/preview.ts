import { ChaperoneError } from '../../lib/errors.ts'
import type { MaskPlan, ResultColumn } from '../../mask/plan.ts'
import type { DialedTarget } from '../protocol.ts'
import { RowWriter, rewriteDataRow } from './datarow.ts'
import { decodeDataRow, decodeErrorFields, decodeRowDescription } from './decode.ts'
import { encodeQuery } from './encode.ts'
import { cellsForRow } from './group-cells.ts'
import type { FrameLimits } from './limits.ts'
import { BACKEND } from './messages.ts'
import { OwnConnections } from './own-connections.ts'
import { quotedText } from './quoted-name.ts'
import type { TargetClient } from './target-client.ts'

export interface PreviewerOptions {
  readonly dial: () => Promise<DialedTarget>
  readonly limits: FrameLimits
  /** Records that the target is asked. */
  readonly probe: () => void
}

/** Texts of cells, masked; null for NULL. */
export interface MaskedRows {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | null)[])[]
}

/** How rows are masked; an error when they may not be shown. */
export type PlanRows = (columns: readonly ResultColumn[]) => MaskPlan | 'pass' | ChaperoneError

/** Type byte and length word. */
const HEADER_BYTES = 5

/** Reads rows of a target for people to look at: read only, impatient about locks, and never without a mask plan. */
export class Previewer {
  readonly #connections: OwnConnections
  readonly #probe: () => void

  constructor({ dial, limits, probe }: PreviewerOptions) {
    this.#probe = probe
    this.#connections = new OwnConnections({
      dial,
      limits,
      name: 'chaperone preview',
      settings: [
        ['statement_timeout', '3s'],
        ['lock_timeout', '500ms'],
        ['bytea_output', 'hex'],
        ['DateStyle', 'ISO'],
      ],
      maxConnections: 2,
      maxWaiting: 16,
      deadlineMs: 10_000,
    })
  }

  /** The masked rows of a query, and what `count` counts. Rejects when the target does not answer in time. */
  read(
    query: { readonly rows: string; readonly count: string },
    searchPath: string,
    plan: PlanRows,
  ): Promise<MaskedRows & { readonly count: number }> {
    return this.#connections.use(async (client) => {
      this.#probe()
      await client.query('BEGIN READ ONLY')
      await client.query(`SELECT pg_catalog.set_config('search_path', ${quotedText(searchPath)}, true)`)
      const shown = await maskedRows(client, query.rows, plan)
      const [[count] = []] = await client.query(query.count)
      await client.query('ROLLBACK')
      return { ...shown, count: Number(count) }
    })
  }

  close(): void {
    this.#connections.close()
  }
}

async function maskedRows(client: TargetClient, sql: string, planRows: PlanRows): Promise<MaskedRows> {
  client.send(encodeQuery(sql))
  let columns: readonly ResultColumn[] = []
  let plan: MaskPlan | 'pass' | undefined
  const rows: (readonly (string | null)[])[] = []
  for (;;) {
    const { type, buffer, body, end } = await client.next()
    if (type === BACKEND.RowDescription) {
      columns = decodeRowDescription(buffer, body, end).columns
      const planned = planRows(columns)
      if (planned instanceof ChaperoneError) throw planned
      plan = planned
    } else if (type === BACKEND.DataRow) {
      if (plan === undefined) throw new ChaperoneError('CHP-TARGET-LOST', { reason: 'a row that was not described' })
      rows.push(plan === 'pass' ? textsOf(buffer, body, end) : masked(plan, buffer, body, end))
    } else if (type === BACKEND.ErrorResponse) {
      // Messages of a server quote values.
      const sqlstate = decodeErrorFields(buffer, body, end).get('C') ?? 'unknown'
      throw new ChaperoneError('CHP-TARGET-REFUSED', {
        reason: `the target refused a preview with SQLSTATE ${sqlstate}`,
      })
    } else if (type === BACKEND.ReadyForQuery) return { columns: columns.map(({ name }) => name), rows }
  }
}

function masked(plan: MaskPlan, buffer: Buffer, body: number, end: number): readonly (string | null)[] {
  const writer = new RowWriter()
  rewriteDataRow(buffer, body, end, cellsForRow(plan, buffer, body, end), writer)
  if (plan.pending?.isLacking === true) throw new ChaperoneError('CHP-MASK-UNPROVEN')
  const frame = writer.take()
  return textsOf(frame, HEADER_BYTES, frame.length)
}

function textsOf(buffer: Buffer, body: number, end: number): readonly (string | null)[] {
  const { values } = decodeDataRow(buffer, body, end)
  return values.map((value) => (value === null ? null : buffer.toString('utf8', value.start, value.end)))
}
