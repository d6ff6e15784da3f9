import { COLUMNS, type Column } from './columns.ts'
import type { Shape } from './shape.ts'
import { QUERY_SHAPES } from './shapes-query.ts'
import { VALUE_SHAPES } from './shapes-value.ts'
import { COLUMN_SIDE_CASES } from './side-ways-column.ts'
import { SIDE_CASES } from './side-ways.ts'
import { type Step, type Way, WAYS } from './ways.ts'

/** One cell of the matrix. */
export interface Case {
  readonly id: string
  readonly way: string
  readonly column: Column
  readonly steps: readonly Step[]
  /** Whether it has to be masked, and may not be refused. */
  readonly masked: boolean
  readonly decode?: (text: string) => string
}

export const SHAPES: readonly Shape[] = [...QUERY_SHAPES, ...VALUE_SHAPES]

function cell(shape: Shape, column: Column, way: Way): Case[] {
  const steps = shape.fits(column) ? way.steps(shape, column) : undefined
  if (steps === undefined) return []
  const { decode } = shape
  return [
    {
      id: `${way.id} × ${shape.id} × ${column.name}`,
      way: way.id,
      column,
      steps,
      masked: shape.masked && way.masked,
      ...(decode === undefined ? {} : { decode }),
    },
  ]
}

/**
 * Every shape with every type it fits, in one of the ways by turns; every way with every shape, for one type; every way with
 * every type, as a plain column or an expression that is as plain. And the ways around columns.
 */
export function matrix(): Case[] {
  const cells = new Map<string, Case>()
  const add = (found: readonly Case[]): boolean => {
    for (const one of found) cells.set(one.id, one)
    return found.length > 0
  }
  let turn = 0
  for (const shape of SHAPES) {
    const columns = COLUMNS.filter((column) => shape.fits(column))
    for (const column of columns) {
      for (let tries = 0; tries < WAYS.length; tries++) {
        if (add(WAYS.slice(turn % WAYS.length, (turn++ % WAYS.length) + 1).flatMap((way) => cell(shape, column, way))))
          break
      }
    }
    const [first] = columns
    if (first !== undefined) for (const way of WAYS) add(cell(shape, first, way))
  }
  const plain = SHAPES.filter(({ id }) => id === 'plain' || id === 'alias')
  for (const column of COLUMNS) for (const way of WAYS) add(plain.flatMap((shape) => cell(shape, column, way)))
  for (const { way, id, column, steps } of [...COLUMN_SIDE_CASES, ...SIDE_CASES])
    add([{ id: `${way}: ${id}`, way: `around: ${way}`, column, steps, masked: false }])
  return [...cells.values()]
}

/** About `count` of a list, evenly: the same ones each time. */
export function sample<T>(all: readonly T[], count: number): T[] {
  const stride = Math.max(1, all.length / count)
  return all.filter((_one, index) => Math.floor(index / stride) !== Math.floor((index - 1) / stride))
}
