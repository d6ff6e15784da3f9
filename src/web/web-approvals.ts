import type { AuthenticationResponseJSON, PublicKeyCredentialRequestOptionsJSON } from '@simplewebauthn/server'
import type { ApprovalRequest, RequestState } from '../approve/approval-request.ts'
import type { Approver, Opinion } from '../approve/approvals.ts'
import type { StepUp } from '../config/config.ts'
import { memberKey } from '../identity/principal.ts'
import { ChaperoneError } from '../lib/errors.ts'
import type { RequestView } from './approval-schemas.ts'
import { approverOf, canDecideAtAll, isOfChain, maySee, poolsSeen, viewOf } from './approval-view.ts'
import type { Caller } from './route.ts'
import type { ApprovalService, Preview } from './web-services.ts'

interface Wanted {
  readonly state?: RequestState
  readonly limit: number
}

/** Requests as one caller may see them and decide about them: what API and page share. */
export class WebApprovals {
  readonly service: ApprovalService
  readonly #publicUrl: string

  constructor(service: ApprovalService, publicUrl: string) {
    this.service = service
    this.#publicUrl = publicUrl
  }

  list(caller: Caller, wanted: Wanted): Promise<RequestView[]> {
    const approver = this.#approver(caller)
    return this.#list(approver, poolsSeen(approver), wanted)
  }

  /** Those of chains that the caller is a member of. */
  listOwn(caller: Caller, wanted: Wanted): Promise<RequestView[]> {
    return this.#list(this.#approver(caller), [], wanted)
  }

  async show(caller: Caller, id: string): Promise<RequestView> {
    const approver = this.#approver(caller)
    return this.#view(await this.#find(approver, id), approver, await this.#stepUp(approver))
  }

  async preview(caller: Caller, id: string): Promise<Preview> {
    const approver = this.#approver(caller)
    const request = await this.#find(approver, id)
    this.#mustDecide(request, approver)
    const preview = await this.service.preview(request, caller.identity)
    if (preview === undefined) throw new ChaperoneError('CHP-REQUEST-UNKNOWN', { message: 'there is no preview' })
    return preview
  }

  async challenge(caller: Caller, id: string, opinion: Opinion): Promise<PublicKeyCredentialRequestOptionsJSON> {
    const approver = this.#approver(caller)
    this.#mustDecide(await this.#find(approver, id), approver)
    return this.service.desk.challenge(id, approver, opinion)
  }

  async decide(
    caller: Caller,
    id: string,
    opinion: Opinion,
    assertion: AuthenticationResponseJSON | undefined,
  ): Promise<RequestView> {
    const approver = this.#approver(caller)
    await this.#find(approver, id)
    mustBePerson(approver)
    const proof =
      assertion === undefined ? ({ kind: 'token-only' } as const) : ({ kind: 'passkey', assertion } as const)
    const decided = await this.service.desk.decide(id, approver, opinion, proof)
    return this.#view(decided, approver, await this.#stepUp(approver))
  }

  async withdraw(caller: Caller, id: string): Promise<RequestView> {
    const approver = this.#approver(caller)
    const request = await this.#find(approver, id)
    if (!isOfChain(request, approver.member)) {
      throw new ChaperoneError('CHP-REQUEST-FORBIDDEN', { message: 'only those who asked may withdraw a request' })
    }
    await this.service.withdraw(id)
    return this.show(caller, id)
  }

  /** A request that was just made, for whoever made it. */
  async made(caller: Caller, request: ApprovalRequest): Promise<RequestView> {
    const approver = this.#approver(caller)
    return this.#view(request, approver, await this.#stepUp(approver))
  }

  /** The person behind the caller, for what concerns passkeys. */
  person(caller: Caller): Approver {
    const approver = this.#approver(caller)
    mustBePerson(approver)
    return approver
  }

  async #list(approver: Approver, pools: readonly string[], wanted: Wanted): Promise<RequestView[]> {
    const found = await this.service.desk.list({ ...wanted, visibleTo: { member: memberKey(approver.member), pools } })
    const stepUp = await this.#stepUp(approver)
    return found.filter((request) => maySee(request, approver)).map((request) => this.#view(request, approver, stepUp))
  }

  #approver = ({ identity }: Caller): Approver => approverOf(identity.principal, this.service)

  /** One that is not there and one that is not theirs look the same. */
  async #find(approver: Approver, id: string): Promise<ApprovalRequest> {
    const request = await this.service.desk.get(id)
    if (request === undefined || !maySee(request, approver)) throw new ChaperoneError('CHP-REQUEST-UNKNOWN')
    return request
  }

  #mustDecide(request: ApprovalRequest, approver: Approver): void {
    mustBePerson(approver)
    const may = this.#mayDecide(request, approver)
    if (may !== true) throw new ChaperoneError('CHP-APPROVAL-INVALID', { message: may })
  }

  #mayDecide = (request: ApprovalRequest, approver: Approver): true | string =>
    request.state === 'pending' ? this.service.desk.mayDecide(request, approver) : 'the request is not pending'

  /** Whoever has a passkey uses it, whatever the configuration asks for. */
  async #stepUp(approver: Approver): Promise<StepUp> {
    if (this.service.stepUp === 'passkey' || !canDecideAtAll(approver)) return this.service.stepUp
    return (await this.service.passkeys.list(approver.member)).length > 0 ? 'passkey' : this.service.stepUp
  }

  #view(request: ApprovalRequest, approver: Approver, stepUp: StepUp): RequestView {
    const mayDecide = this.#mayDecide(request, approver)
    return viewOf(request, { mayDecide, stepUp, publicUrl: this.#publicUrl })
  }
}

function mustBePerson(approver: Approver): void {
  if (canDecideAtAll(approver)) return
  const message = approver.isDelegated
    ? 'a token that acts for somebody else decides nothing'
    : 'only people decide; agents and services do not'
  throw new ChaperoneError('CHP-REQUEST-FORBIDDEN', { message })
}
