import { ChaperoneError } from '../../lib/errors.ts'

/** Why a name of a statement, portal or cursor is not taken. */
export const unknownName = (): ChaperoneError => new ChaperoneError('CHP-SQL-UNKNOWN-NAME')

export const tooManyNames = (): ChaperoneError =>
  new ChaperoneError('CHP-LIMIT-EXCEEDED', { message: 'the session has too many prepared statements or portals' })

export const reservedName = (): ChaperoneError =>
  new ChaperoneError('CHP-PROTOCOL-UNSUPPORTED', {
    message: 'names of statements and portals that begin with _chaperone_ are the gateway\u2019s own',
    hint: 'Choose another name.',
  })
