import { describeFrames, type FakeGate, relayInMemory, settle } from './relay-test-support.ts'
import { ModelServer } from './model-server-test-support.ts'

/** A relay in memory to a server that answers whenever it has been sent something. `rounds` of the event loop are waited for answers. */
export function servedRelay(gate: FakeGate, rounds: number) {
  const parts = relayInMemory(gate)
  const server = new ModelServer()
  const ended = parts.relay.run()
  const sent: Buffer[] = []
  parts.target.onBytes = (bytes) => {
    sent.push(bytes)
    const reply = server.take(bytes)
    if (reply.length > 0) setImmediate(() => parts.target.push(reply))
  }
  return {
    ...parts,
    gate,
    server,
    ended,
    /** Sends messages of the client; what it gets, described. */
    send: async (...messages: readonly Buffer[]): Promise<readonly string[]> => {
      const from = parts.client.output.length
      parts.client.push(Buffer.concat(messages))
      await settle(rounds)
      return describeFrames('backend', parts.client.output.subarray(from))
    },
    /** What the server got. */
    received: (): Buffer => Buffer.concat(sent),
  }
}
