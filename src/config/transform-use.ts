import type { PhiConfig } from './config.ts'

/** Whether a label of some target, or a member of one, is replaced by the transform of that name. No pack has it. */
export function usesTransform({ labels, classes }: Pick<PhiConfig, 'labels' | 'classes'>, name: string): boolean {
  const uses = (label: { readonly class: string; readonly transform: string | undefined }) =>
    (label.transform ?? classes[label.class]) === name
  return Object.values(labels)
    .flat()
    .some((label) => uses(label) || (label.document?.members.some(uses) ?? false))
}
