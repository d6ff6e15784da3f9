import { parse } from 'yaml'
import { z } from 'zod'

/** What is wrong with a Dockerfile or Compose file. Reading them is all that happens here: no image is built or run. */

export interface Instruction {
  readonly name: string
  readonly text: string
  readonly line: number
}

/** Instructions with continuation lines joined and comments left out (Dockerfile reference, "Format"). */
export function parseDockerfile(source: string): Instruction[] {
  const instructions: Instruction[] = []
  let pending: { text: string; line: number } | undefined
  for (const [index, raw] of source.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const text = pending === undefined ? line : `${pending.text} ${line}`
    const start = pending?.line ?? index + 1
    if (line.endsWith('\\')) {
      pending = { text: text.slice(0, -1).trimEnd(), line: start }
      continue
    }
    pending = undefined
    const [name = '', ...rest] = text.split(/\s+/)
    instructions.push({ name: name.toUpperCase(), text: rest.join(' '), line: start })
  }
  return instructions
}

export interface Surroundings {
  /** The Node.js version that toolchain/package.json pins. */
  readonly nodeVersion: string
  /** Whether a path exists, relative to the build context (the root of the repository). */
  readonly exists: (path: string) => boolean
}

const isExecForm = (text: string): boolean => {
  try {
    return z.array(z.string()).min(1).safeParse(JSON.parse(text)).success
  } catch {
    return false // not JSON: the shell form
  }
}

function fromProblems(instructions: readonly Instruction[], nodeVersion: string): string[] {
  const stages = new Set<string>()
  return instructions
    .filter(({ name }) => name === 'FROM')
    .flatMap(({ text, line }) => {
      const [image = '', as, stage] = text.split(/\s+/)
      const known = stages.has(image)
      if (as?.toUpperCase() === 'AS' && stage !== undefined) stages.add(stage)
      if (known) return []
      if (!/:\d+\.\d+\.\d+|@sha256:[0-9a-f]{64}$/.test(image))
        return [`${line}: the base image ${image} is not pinned to a full version`]
      const node = /^node:(\d+\.\d+\.\d+)/.exec(image)?.[1]
      return node !== undefined && node !== nodeVersion
        ? [`${line}: ${image} is not the Node.js that the project is tested with (${nodeVersion})`]
        : []
    })
}

function copyProblems({ text, line }: Instruction, exists: Surroundings['exists']): string[] {
  const words = text.split(/\s+/)
  if (words.some((word) => word.startsWith('--from='))) return []
  const paths = words.filter((word) => !word.startsWith('--')).slice(0, -1)
  return paths
    .filter((path) => !exists(path))
    .map((path) => `${line}: COPY ${path}: there is no such file in the repository`)
}

function instructionProblems(instruction: Instruction, exists: Surroundings['exists']): string[] {
  const { name, text, line } = instruction
  switch (name) {
    case 'ADD':
      return [`${line}: ADD unpacks and downloads without a checksum; use COPY`]
    case 'COPY':
      return copyProblems(instruction, exists)
    case 'ENTRYPOINT':
    case 'CMD':
      return isExecForm(text)
        ? []
        : [`${line}: ${name} in shell form hides signals from the program; use the JSON form`]
    case 'ENV':
    case 'ARG':
      return /PASSWORD|SECRET|TOKEN|PRIVATE|_KEY\b/i.test(text)
        ? [`${line}: ${name} puts what looks like a secret into the image`]
        : []
    case 'RUN':
      return /\b(?:curl|wget)\b[^|]*\|\s*(?:ba)?sh\b/.test(text) ? [`${line}: RUN pipes a download into a shell`] : []
    default:
      return []
  }
}

/** One line a problem, `LINE: what`. */
export function dockerfileProblems(source: string, { nodeVersion, exists }: Surroundings): string[] {
  const instructions = parseDockerfile(source)
  const last = instructions.findLastIndex(({ name }) => name === 'FROM')
  if (last === -1) return ['1: there is no FROM']
  const final = instructions.slice(last)
  const problems = [
    ...fromProblems(instructions, nodeVersion),
    ...instructions.flatMap((instruction) => instructionProblems(instruction, exists)),
  ]
  const user = final.findLast(({ name }) => name === 'USER')
  if (user === undefined || /^(?:root|0)(?::|$)/.test(user.text))
    problems.push(`${user?.line ?? 1}: the image runs as root`)
  else if (!/^\d+(?::\d+)?$/.test(user.text))
    problems.push(`${user.line}: USER by name; a number lets the platform see that it is not root`)
  const health = final.findLast(({ name }) => name === 'HEALTHCHECK')
  if (health === undefined || health.text.toUpperCase() === 'NONE')
    problems.push(`${health?.line ?? 1}: there is no HEALTHCHECK`)
  if (!final.some(({ name }) => name === 'ENTRYPOINT')) problems.push('1: there is no ENTRYPOINT')
  return problems
}

/** The part of the Compose specification that deploy/compose.yaml relies on; anything else is a mistake or needs a look. */
const composeSchema = z.strictObject({
  name: z.string(),
  services: z.record(
    z.string(),
    z.strictObject({
      image: z.string().regex(/:\d+\.\d+\.\d+$/, 'must be pinned to a full version'),
      build: z.strictObject({ context: z.string(), dockerfile: z.string() }).optional(),
      // The journal's lock names the host that holds it, so a container that is made anew must keep its name.
      hostname: z.string(),
      restart: z.literal('unless-stopped'),
      stop_grace_period: z.string().regex(/^\d+s$/),
      read_only: z.literal(true),
      cap_drop: z.tuple([z.literal('ALL')]),
      security_opt: z
        .array(z.string())
        .refine((list) => list.includes('no-new-privileges:true'), 'must have no-new-privileges:true'),
      tmpfs: z.array(z.string()).optional(),
      ports: z.array(z.string().regex(/^(?:127\.0\.0\.1:)?\d+:\d+$/, 'must be HOST:CONTAINER')),
      volumes: z.array(z.string()),
      secrets: z.array(z.string()),
    }),
  ),
  secrets: z.record(z.string(), z.strictObject({ file: z.string().startsWith('./secrets/') })),
  volumes: z.record(z.string(), z.strictObject({})),
})

type Service = z.output<typeof composeSchema>['services'][string]

function mountProblems(service: string, mounts: readonly string[], volumes: readonly string[]): string[] {
  return mounts.flatMap((mount) => {
    const [from = '', , mode] = mount.split(':')
    if (from.startsWith('./'))
      return mode === 'ro' ? [] : [`services.${service}: the file ${from} is mounted for writing`]
    return volumes.includes(from) ? [] : [`services.${service}: the volume ${from} is not declared`]
  })
}

function portProblems(name: string, service: Service, exposed: readonly string[]): string[] {
  return service.ports
    .map((port) => port.slice(port.lastIndexOf(':') + 1))
    .filter((port) => !exposed.includes(port))
    .map((port) => `services.${name}: port ${port} is not what the Dockerfile exposes`)
}

/** One line a problem, `PATH: what`. `dockerfile` is what the service is built from. */
export function composeProblems(source: string, dockerfile: string): string[] {
  const parsed = composeSchema.safeParse(parse(source))
  if (!parsed.success) return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  const { services, secrets, volumes } = parsed.data
  const exposed = parseDockerfile(dockerfile).flatMap(({ name, text }) => (name === 'EXPOSE' ? text.split(/\s+/) : []))
  const used = new Set(Object.values(services).flatMap((service) => service.secrets))
  return [
    ...Object.entries(services).flatMap(([name, service]) => [
      ...mountProblems(name, service.volumes, Object.keys(volumes)),
      ...portProblems(name, service, exposed),
      ...service.secrets
        .filter((secret) => !(secret in secrets))
        .map((secret) => `services.${name}: the secret ${secret} is not declared`),
    ]),
    ...Object.keys(secrets)
      .filter((secret) => !used.has(secret))
      .map((secret) => `secrets.${secret}: is declared but not used`),
  ]
}
