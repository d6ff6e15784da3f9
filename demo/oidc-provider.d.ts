/** The part of oidc-provider that the demo uses; the package comes without types. */
declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http'

  export class Provider {
    constructor(issuer: string, configuration: Readonly<Record<string, unknown>>)
    callback(): RequestListener
    on(event: 'server_error', listener: (context: unknown, error: Error) => void): this
  }

  export const errors: { readonly InvalidTarget: new () => Error }
}
