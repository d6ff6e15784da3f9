/** Milliseconds since the Unix epoch. Rooms take one instead of reading the time themselves, so that tests can move it. */
export type Clock = () => number

export const systemClock: Clock = () => Date.now()
