import type { FuncCall, Node, SubLink } from '@pgsql/types'
import { bodyOf, nameParts, walkSyntax } from '../syntax-tree.ts'
import { words } from '../flow/words.ts'

/** Aggregates whose result can be a value of one row, of which FILTER or CASE says which. */
const PICKING: ReadonlySet<string> = new Set(
  words('any_value avg bit_and bit_or bit_xor bool_and bool_or every max min mode sum'),
)
/** Window functions that say something of the order only. */
const RANKING: ReadonlySet<string> = new Set(words('count cume_dist dense_rank ntile percent_rank rank row_number'))
/** string_agg, array_agg, jsonb_object_agg_unique, xmlagg, range_agg … */
const GATHERING = /agg(?:_|$)/u

/** What is shown of relations besides what rows are made of one row each. */
export class ShownRows {
  /** Whether values of any number of rows stand together in one. */
  gathers = false
  /** Calls that show a value of another row, and rows that changes return to a query around them. */
  picks = 0
  #tested = 0

  /** Whether what is looked at now can be seen in a result. */
  get isShown(): boolean {
    return this.#tested === 0
  }

  /** Looks at a sub-select. Of one that is only tested nothing is shown. */
  inside<T>({ subLinkType }: SubLink, look: () => T): T {
    const isTested = subLinkType === 'EXISTS_SUBLINK' || subLinkType === 'ANY_SUBLINK' || subLinkType === 'ALL_SUBLINK'
    if (isTested) this.#tested += 1
    if (subLinkType === 'ARRAY_SUBLINK' && this.isShown) this.gathers = true
    try {
      return look()
    } finally {
      if (isTested) this.#tested -= 1
    }
  }

  /** Notes the calls of a target list; sub-selects have lists of their own. */
  addTargets(targets: readonly Node[] | undefined): void {
    if (!this.isShown) return
    walkSyntax(targets, (name, body) => {
      if (name === 'JsonArrayAgg' || name === 'JsonObjectAgg') this.gathers = true
      if (name === 'FuncCall') this.#call(body)
      return name !== 'SubLink'
    })
  }

  #call({ funcname, args, over, agg_filter: filter, agg_within_group: isSet }: FuncCall): void {
    const name = nameParts(funcname).at(-1) ?? ''
    // With several fractions, percentile_disc gives as many values.
    const isOne = bodyOf(args?.[0], 'A_Const') !== undefined
    if (GATHERING.test(name) || (isSet === true && name !== 'mode' && !RANKING.has(name) && !isOne)) this.gathers = true
    const looksAround = over !== undefined || filter !== undefined || isSet === true
    if (PICKING.has(name) || name.startsWith('regr_') || (looksAround && !RANKING.has(name))) this.picks += 1
  }
}
