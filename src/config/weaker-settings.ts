import { PACKS } from '../phi/packs.ts'
import type { Config, PhiConfig, TargetConfig } from './config.ts'

/** Settings that protect less than the default does; they are named in the log and the journal at every start. */
export function weakerSettings(config: Config): readonly string[] {
  const { journal, listen, store, issuers, targets, phi, approvals } = config
  return [
    ...(journal.statementsAreNotSealed ? ['statementsAreNotSealed'] : []),
    ...(journal.durability === 'fsync' ? [] : [`durability: ${journal.durability}`]),
    ...(listen.postgres.allowPlaintextPasswordOnLoopback ? ['allowPlaintextPasswordOnLoopback'] : []),
    ...issuers.flatMap((issuer) =>
      issuer.allowInsecureLoopback ? [`issuers.${issuer.name}.allowInsecureLoopbackIssuer`] : [],
    ),
    ...(store.kind === 'embedded' || store.tls.mode === 'verify-full' ? [] : [`store.tls: ${store.tls.mode}`]),
    ...(approvals === undefined || approvals.stepUp === 'passkey' ? [] : [`approvals.stepUp: ${approvals.stepUp}`]),
    ...ofPhi(phi),
    ...Object.values(targets).flatMap((target) => ofTarget(target)),
  ]
}

/** Single labels are not among them: `check` tells about those. */
function ofPhi({
  pack,
  classes,
  minimumGroupSize,
  predicates,
  trustedFunctions,
  detectors,
}: PhiConfig): readonly string[] {
  const kept = Object.entries(classes).filter(([, transform]) => transform === 'keep')
  const allowed = Object.entries(predicates.classes).filter(([, policy]) => policy === 'allow')
  return [
    ...(pack === PACKS[0] ? [] : [`phi.pack: ${pack}`]),
    ...kept.map(([phiClass]) => `phi.classes.${phiClass}: keep`),
    ...(predicates.default === 'allow' ? ['phi.predicates.default: allow'] : []),
    ...allowed.map(([phiClass]) => `phi.predicates.classes.${phiClass}: allow`),
    ...(minimumGroupSize === undefined ? [] : [`phi.minimumGroupSize: ${minimumGroupSize}`]),
    ...(detectors.knownValues === 'session' ? ['phi.detectors.knownValues: session'] : []),
    ...Object.entries(trustedFunctions).flatMap(([target, names]) =>
      names.map((name) => `phi.trustedFunctions.${target}: ${name}`),
    ),
  ]
}

function ofTarget(target: TargetConfig): readonly string[] {
  const prefix = `targets.${target.name}`
  return [
    ...(target.tls.mode === 'verify-full' ? [] : [`${prefix}.tls: ${target.tls.mode}`]),
    ...target.acceptRisks.map((risk) => `${prefix}.acceptRisks: ${risk}`),
    ...(target.unlabelledColumns === 'mask' ? [] : [`${prefix}.unlabelledColumns: ${target.unlabelledColumns}`]),
    ...(target.catalogCheck === 'strict' ? [] : [`${prefix}.catalogCheck: bounded`]),
  ]
}
