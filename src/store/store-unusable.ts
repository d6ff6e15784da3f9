/**
 * The store is there but must not be used, and trying again does not help: an operator has to act. The message holds no
 * secret and can be shown.
 */
export class StoreUnusable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreUnusable'
  }
}
